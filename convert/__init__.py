"""Converts foreign checkpoints into the weights files of mgp_jax, without PyTorch.

Knows the formats and layouts of other people's code; mgp_jax itself knows nothing of them. In a
checkout this package is `convert`, installed it is `mgp_convert`.
"""
