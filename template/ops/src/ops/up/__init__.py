"""`ops up`: the first deployment, step by step. Each step looks whether it is done."""
