"""Tests of app.tracing."""
