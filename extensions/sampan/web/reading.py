"""Rendered files to look at: their tree, and the text of one with the differences of the last change."""

import difflib
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from sampan.web.desk import Files

LONGEST: Final = 40_000
"""Characters of a text that are shown: a page has at most 200 kB, and shows a text twice at most."""
MOST_LINES: Final = 2_000
"""Maximum lines of a text to compare: the time grows with their square."""


def tree(paths: Iterable[str], changes: Mapping[str, str]) -> dict[str, Any]:
    """Return files as nested folders, folders first. A folder has `entries`, the `count` of its files and that of its `changes`."""
    top: dict[str, Any] = {}
    for path in sorted({*paths, *changes}):
        *folders, leaf = path.split("/")
        here = top
        for folder in folders:
            below = here.setdefault(folder, {"entries": {}, "count": 0, "changes": 0})
            below["count"] += 1
            below["changes"] += path in changes
            here = below["entries"]
        here[leaf] = {"kind": changes.get(path, "")}
    return _folders_first(top)


def _folders_first(entries: dict[str, Any]) -> dict[str, Any]:
    for entry in entries.values():
        if "entries" in entry:
            entry["entries"] = _folders_first(entry["entries"])
    return dict(sorted(entries.items(), key=lambda item: ("entries" not in item[1], item[0])))


def changed(before: Files, after: Files) -> dict[str, str]:
    """Return the files that differ between two renderings: added, removed or changed."""
    kinds = {name: "added" if name not in before else "changed" for name, file in after.items() if before.get(name) != file}
    return dict(sorted((kinds | {name: "removed" for name in before if name not in after}).items()))


def counts(changes: Mapping[str, str]) -> dict[str, int]:
    """Return the number of files of each kind of change."""
    return Counter(changes.values())


@dataclass(frozen=True)
class Reading:
    """A file to show. Lines of the difference are kept, added, removed or a place."""

    path: str
    text: str | None
    """None for a file that is not text."""
    size: int
    executable: bool
    is_cut: bool
    kind: str
    diff: tuple[tuple[str, str], ...]


def read(path: str, before: Files, after: Files) -> Reading | None:
    """Return a file of either rendering, with the difference between both; None where neither has it."""
    file = after.get(path) or before.get(path)
    if file is None:
        return None
    text = _text(file.content)
    kind = _only(path, before, after) if before else ""
    old, new = (_text(files[path].content) if path in files else "" for files in (before, after))
    diff = _difference(old, new) if kind and old is not None and new is not None else ()
    cut = text[:LONGEST] if text is not None else None
    return Reading(path, cut, len(file.content), file.executable, cut != text, kind, diff)


def _only(path: str, before: Files, after: Files) -> str:
    """Return the kind of change of one file."""
    old, new = ({path: files[path]} if path in files else {} for files in (before, after))
    return changed(old, new).get(path, "")


def _text(content: bytes) -> str | None:
    try:
        return content.decode()
    except UnicodeDecodeError:
        return None


def _difference(old: str, new: str) -> tuple[tuple[str, str], ...]:
    before, after = old.splitlines(), new.splitlines()
    if max(len(before), len(after)) > MOST_LINES:
        return (("place", "The file is too long to compare here."),)
    kinds = {"+": "added", "-": "removed", "@": "place"}
    lines = list(difflib.unified_diff(before, after, lineterm="", n=3))[2:]
    return tuple((kinds.get(line[0], "kept"), line) for line in _shortened(lines))


def _shortened(lines: list[str]) -> list[str]:
    length = 0
    for number, line in enumerate(lines):
        length += len(line)
        if length > LONGEST:
            return [*lines[:number], "@@ more is left out here @@"]
    return lines
