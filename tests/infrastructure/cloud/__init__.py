"""AWS on this machine, complete enough for an apply: moto's server with what it lacks.

`python -m tests.infrastructure.cloud PORT` serves it on the loopback interface. Each module adds to one service of moto, and says what
and why. Calls that nobody knows are answered at once by an error that no client repeats, and written to the log.
"""
