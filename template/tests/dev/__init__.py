"""Tests of app.dev."""
