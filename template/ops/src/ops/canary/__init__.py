"""Canary releases, which receive a share of the traffic first."""
