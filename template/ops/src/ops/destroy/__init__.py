"""Destroying an environment: what Terraform cannot do alone."""
