"""Tests on a real PostgreSQL and Valkey, in the same tree as the code."""
