"""One walk through the running service, as a client takes it."""
