"""Everything that a user takes away: the project as a zip file, the commands, the answers file."""

import io
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import yaml

from sampan.source import Template
from sampan.web import links
from sampan.web.desk import Files, View

OLDEST: Final = (1980, 1, 1, 0, 0, 0)
"""The first date that a zip file can hold: the same answers give the same bytes."""
EXECUTABLE, PLAIN = 0o100755, 0o100644


@dataclass(frozen=True)
class TakeAway:
    """The commands that make the same project."""

    copier: str
    sampan: str


def take_away(view: View, template: Template) -> TakeAway:
    """Return the commands of a view."""
    folder = str(view.verdict.answers["service"])
    version = ["--vcs-ref", template.ref] if template.ref and template.ref != "HEAD" else []
    copier = links.command("copier", "copy", "--defaults", *version, answers=view.data)
    return TakeAway(
        f"{copier} {links.command(template.public, folder, answers={})}",
        f"{links.command('sampan', 'new', folder, '--defaults', answers=view.data)}",
    )


def answers_file(view: View) -> str:
    """Return the answers that differ from the defaults as YAML."""
    head = "# Answers that differ from the defaults: copier copy --defaults --data-file answers.yml TEMPLATE FOLDER\n"
    return head + yaml.safe_dump(view.data, sort_keys=False, allow_unicode=True, default_flow_style=None) if view.data else f"{head}{{}}\n"


class _Pipe(io.RawIOBase):
    """A file that is written and read in turns, and never rewound."""

    def __init__(self) -> None:
        self._written = bytearray()

    def writable(self) -> bool:
        return True

    def write(self, data: Any, /) -> int:
        self._written += data
        return len(data)

    def take(self) -> bytes:
        """Return what was written since the last time."""
        taken = bytes(self._written)
        self._written.clear()
        return taken


def zipped(folder: str, files: Files) -> Iterator[bytes]:
    """Yield the parts of a zip file with the files below `folder`. The same files give the same bytes."""
    pipe = _Pipe()
    with zipfile.ZipFile(pipe, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as archive:
        for path, file in files.items():
            entry = zipfile.ZipInfo(f"{folder}/{path}", OLDEST)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.create_system = 3  # Unix, so that external_attr holds file modes
            entry.external_attr = (EXECUTABLE if file.executable else PLAIN) << 16
            archive.writestr(entry, file.content)
            yield pipe.take()
    yield pipe.take()
