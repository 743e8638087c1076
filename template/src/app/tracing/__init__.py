"""OpenTelemetry traces of the API, sent over OTLP."""
