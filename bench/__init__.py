"""Measurements of the whole system from outside: `python -m bench` runs all, `python -m bench.<name>` one of them."""
