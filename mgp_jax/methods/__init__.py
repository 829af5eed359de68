"""All methods under one roof: what each starts from, how it renders, what it holds fixed."""

from mgp_jax.methods.method import BROUGHT, Method, What
from mgp_jax.methods.multi_code import MULTI_CODE, start_codes
from mgp_jax.methods.table import METHODS, find_method

__all__ = ["BROUGHT", "METHODS", "MULTI_CODE", "Method", "What", "find_method", "start_codes"]
