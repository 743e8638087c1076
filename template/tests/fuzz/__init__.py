"""Generated requests against the OpenAPI document. Run with `uv run pytest -m fuzz`."""
