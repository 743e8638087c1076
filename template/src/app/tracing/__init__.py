"""OpenTelemetry traces of API and worker, sent over OTLP."""
