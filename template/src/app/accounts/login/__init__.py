"""Logins: passwords, waits after failures, and known devices."""
