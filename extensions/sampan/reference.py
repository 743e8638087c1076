"""The reference of the questions, made from copier.yml and the profiles."""

import re
from collections.abc import Container
from pathlib import Path
from typing import Any, Final

import yaml

from sampan import root

ROOT: Final = root.root()

HEAD: Final = """\
# Questions

`sampan questions` generates this page. Copier asks the *asked* questions, some of them only if the service joins, or does not join, another
project's platform. The other questions take the profile's default, unless you ask for them with `--ask NAME`.
You can give any answer with `-d name=value`, or in a file with `--data-file`.
Answers apply to production, or to the only environment; other environments use the profile's smaller sizes.
"""
COLUMNS: Final = "| Question | Asked | Description | Default |\n|---|---|---|---|\n"
PROFILES: Final = ("sandbox", "startup", "production", "regulated")


def questions() -> dict[str, dict[str, Any]]:
    """Return the questions of copier.yml, without the computed values that it never asks (`when: false`)."""
    settings: dict[str, dict[str, Any]] = yaml.safe_load((ROOT / "copier.yml").read_text(encoding="utf-8"))
    return {name: details for name, details in settings.items() if not name.startswith("_") and details.get("when") is not False}


def _written(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"`{value}`" if value != "" else "empty"


def _defaults(name: str, details: dict[str, Any], profiles: dict[str, Any]) -> str:
    values = [profiles.get(f"{profile}.{name}") for profile in PROFILES]
    if None not in values:
        if len(set(map(str, values))) == 1:
            return _written(values[0])
        return ", ".join(f"{profile} {_written(value)}" for profile, value in zip(PROFILES, values, strict=True))
    literal = re.search(r"{% set question, value = '\w+', '([^']*)' %}", str(details["default"]))
    default = literal.group(1) if literal else details["default"]
    return "from the other answers" if isinstance(default, str) and "{" in default else _written(default)


def _asked(details: dict[str, Any]) -> str:
    ask = details.get("ask", True)
    if isinstance(ask, str):
        return "when joining"
    return ("unless joining" if "when" in details else "yes") if ask else ""


def _row(name: str, details: dict[str, Any], profiles: dict[str, Any]) -> str:
    return f"| `{name}` | {_asked(details)} | {details['help'].rstrip('?')} | {_defaults(name, details, profiles)} |\n"


def groups(known: Container[str], template: Path = ROOT) -> dict[str, list[str]]:
    """Return the names of the known questions under the headings of copier.yml, in their order."""
    parts = re.split(r"^# -+ (.+)$", (template / "copier.yml").read_text(encoding="utf-8"), flags=re.MULTILINE)
    found = {}
    for title, body in zip(parts[1::2], parts[2::2], strict=True):
        names = [name for name in re.findall(r"^([a-z]\w*):$", body, re.MULTILINE) if name in known]
        if names:
            found[title if title == "AWS" else title.capitalize()] = names
    return found


def markdown() -> str:
    """Return the reference as Markdown, with one table per group of questions in the order of the questionnaire."""
    profiles = yaml.safe_load((ROOT / "extensions/catalogue/profiles.yaml").read_text(encoding="utf-8"))
    known = questions()
    parts = [HEAD]
    for title, names in groups(known).items():
        parts.append(f"\n## {title}\n\n{COLUMNS}")
        parts.extend(_row(name, known[name], profiles) for name in names)
    return "".join(parts)
