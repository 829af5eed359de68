"""Measures the arithmetic and the cost of a step, and quality over time."""
