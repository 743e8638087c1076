"""Tests of app.ses."""
