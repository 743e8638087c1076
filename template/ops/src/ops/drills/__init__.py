"""Drills that measure the promises of the runbooks."""
