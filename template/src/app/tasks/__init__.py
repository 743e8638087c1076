"""Durable background tasks: a row each, run by the worker, visible to their owner."""
