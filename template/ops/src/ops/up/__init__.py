"""`ops up`: the first deployment, step by step. Each step checks whether it is done."""
