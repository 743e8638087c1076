"""Tests of app.smtp."""
