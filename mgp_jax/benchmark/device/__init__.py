"""Proves on the machine at hand that all is computed rightly, and measures how fast.

Every part is a function that yields findings; `parts.py` lists them in the order of importance.
"""
