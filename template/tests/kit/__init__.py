"""Tests of app.kit."""
