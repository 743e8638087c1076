"""Tests of app.remote_accounts."""
