"""Deploys the service to one environment: `uv run deploy --help`."""
