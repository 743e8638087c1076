"""Users of another service: this service verifies their tokens and checks their sessions with the issuer."""
