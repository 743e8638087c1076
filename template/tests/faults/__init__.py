"""What becomes of the service when its parts fail: real processes, real failures, under load."""
