"""Generated requests against the OpenAPI document: `uv run --group fuzz pytest -m fuzz -n 0`, one process."""
