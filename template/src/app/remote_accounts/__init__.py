"""Users of another service: this one verifies their tokens and asks whether their sessions live."""
