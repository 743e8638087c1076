"""The sample feature: products with a price, cached reads and an import that runs in the worker.

`docs/products.md` shows each route.
"""
