"""Print the commands of the project's `ops` as JSON, as the program itself describes them. Runs with `ops/src` on PYTHONPATH."""

import inspect
import json
import sys
from collections.abc import Iterator
from typing import Any

import typer
from ops.cli import application


def described(command: Any, path: list[str]) -> Iterator[dict[str, Any]]:
    """Yield each command below `command`, with its usage, arguments and options."""
    if hasattr(command, "commands"):
        for name in command.commands:
            yield from described(command.commands[name], [*path, name])
        return
    context = command.context_class(command, info_name=" ".join(path))
    shown = [each for each in command.params if each.name != "help" and not each.hidden]
    arguments = [each for each in shown if each.param_type_name == "argument"]
    options = [each for each in shown if each.param_type_name == "option"]
    yield {
        "name": " ".join(path),
        "usage": " ".join(command.collect_usage_pieces(context)),
        "help": inspect.cleandoc(command.help or ""),
        "arguments": [{"name": f"`{each.name.upper()}`", "help": each.help or ""} for each in arguments],
        "options": [
            {"name": ", ".join(f"`{name}`" for name in [*each.opts, *each.secondary_opts]), "help": each.help or ""} for each in options
        ],
    }


if __name__ == "__main__":
    json.dump(list(described(typer.main.get_command(application()), ["ops"])), sys.stdout)
