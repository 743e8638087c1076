"""Durable background tasks. Each is a row, is run by the worker, and is visible to its owner."""
