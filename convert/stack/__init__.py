"""Stacks of layers: what a checkpoint shows of one, what is assumed, and what it is in our terms.

names and shapes   -> parts -> reading (with options, publications) -> elements
a stored module    -> modules                                       -> elements
elements -> assembly -> layers and rows
"""
