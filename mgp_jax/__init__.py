"""Multi-Code GAN Prior in JAX: restore and edit real images with a trained, frozen GAN.

Everything public can be imported from here; `__init__.pyi` lists it, for type checkers too. Modules
are loaded when a name of theirs is first used, so that `import mgp_jax` is quick.
"""

try:
    import lazy_loader
except ModuleNotFoundError:
    # A bare checkout beside JAX alone, as `tests/benchmarks/accelerator.py` may find itself in:
    # there names come from their modules.
    pass
else:
    __getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
