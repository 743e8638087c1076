"""Operations of this project: `uv run ops --help`."""
