"""The service on one machine: embedded PostgreSQL and Valkey, reload on change."""
