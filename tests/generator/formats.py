"""Parsers for every format that a project holds, and the words that no file may contain."""

import ast
import io
import json
import re
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import hcl2
import yaml


class _Loader(yaml.SafeLoader):
    """YAML that refuses a key twice and knows no custom tag but those of the formats at hand."""


def _mapping(loader: _Loader, node: yaml.MappingNode) -> dict[Any, Any]:
    keys = [key.value for key, _ in node.value if isinstance(key, yaml.ScalarNode)]
    repeated = sorted({key for key in keys if keys.count(key) > 1})
    if repeated:
        message = f"keys stand twice: {repeated} {node.start_mark}"
        raise ValueError(message)
    loader.flatten_mapping(node)
    return loader.construct_mapping(node, deep=True)


_Loader.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, _mapping)


def _yaml(text: str) -> None:
    list(yaml.load_all(text, _Loader))  # a SafeLoader with one more check


def _environment_file(text: str) -> None:
    for line in text.splitlines():
        if line.strip() and not line.startswith("#"):
            name, separator, value = line.partition("=")
            if not separator or not re.fullmatch(r"[A-Z][A-Z0-9_]*", name) or value != value.strip():
                raise ValueError(line)


def _hcl(text: str) -> None:
    hcl2.load(io.StringIO(text))


PARSERS: dict[str, Callable[[str], object]] = {
    ".py": ast.parse,
    ".toml": tomllib.loads,
    ".json": json.loads,
    ".yaml": _yaml,
    ".yml": _yaml,
    ".tf": _hcl,
    ".tfvars": _hcl,
    ".tfbackend": _hcl,
    ".env": _environment_file,
    ".env.example": _environment_file,
}

LEFTOVERS = re.compile(r"\{= | =\}|^\s*#%|\{##|##\}|^<<<<<<< |^>>>>>>> ", re.MULTILINE)
"""Traces of a template engine or of a merge."""

PYTHON_VALUES = re.compile(r"""(?<!clusterIP: )(?<!")\b(None|True|False)\b|\['""")
"""Python's way of writing a value, in a format that has its own."""

DATA_FORMATS = (".tfvars", ".tfbackend", ".env", ".toml", ".yaml", ".yml", ".json")

BINARY = {".mo", ".png", ".ico"}


def parser_of(path: Path) -> Callable[[str], object] | None:
    """The parser for a file by its name, or None for prose and scripts."""
    return next((parser for suffix, parser in PARSERS.items() if path.name.endswith(suffix)), None)
