"""The service while its parts fail: real processes, real failures, under load."""
