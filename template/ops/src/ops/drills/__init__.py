"""Drills that measure what the runbooks promise."""
