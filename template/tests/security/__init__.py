"""Attacks on the service as a whole. Attacks on one feature stand beside that feature's tests."""
