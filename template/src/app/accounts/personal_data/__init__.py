"""Personal data: the export of an account, and its deletion."""
