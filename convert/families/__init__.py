"""One file for each family; each lists its layouts as `LAYOUTS`, and `detect.py` collects them."""
