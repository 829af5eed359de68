"""One file for each family; each lists its layouts as `LAYOUTS`, and `detect.py` collects them.

`style.py` is what StyleGAN and StyleGAN2 share, `stylegan2_names.py` the tables of the latter.
"""
