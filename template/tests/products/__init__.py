"""Tests of app.products."""
