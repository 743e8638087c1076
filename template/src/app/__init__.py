"""The service: an API, its worker and their command line."""
