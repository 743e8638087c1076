"""The checks of a project: its answers, its files compared with a rendering, its tools, and newer releases.

Nothing is written. Files of the team, and the shared edges that are made to be edited, are not reported.
"""

import json
import re
import shutil
import subprocess
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final, Literal

from sampan import asking, git, project, rendering, source
from sampan.errors import UserError, suggestion
from sampan.merging import OLDEST_GIT, Repository, Tree
from sampan.project import OWNERSHIP, Project

TOOLS: Final = {
    "git": (OLDEST_GIT, "updates"),
    "uv": ((0, 9), "running the service and its tests"),
    "terraform": ((1, 11), "infrastructure"),
    "kubectl": ((1, 30), "deployments"),
    "docker": ((20, 10), "images"),
}
"""Tools of a project: the oldest version that works, and the commands that need it."""
VERSION_FLAGS: Final = {"kubectl": ("version", "--client")}
ANSWERS_ONLY: Final = ("infra/environments/*.tfvars", "project.env", "deploy/overlays/*/kustomization.yaml")
"""Managed files that contain only answers, so that any difference is drift."""
WORKFLOWS: Final = ".github/workflows"
MARKERS: Final = "^(<<<<<<< before updating|>>>>>>> after updating)"

Kind = Literal["answer", "drift", "edited", "missing", "conflict", "tool", "template", "version", "place"]
KINDS: Final[tuple[Kind, ...]] = ("answer", "drift", "edited", "missing", "conflict", "tool", "template", "version", "place")


@dataclass(frozen=True)
class Finding:
    """One finding, in one line."""

    kind: Kind
    subject: str
    text: str


def examine(place: Project, template: str | None = None) -> Iterator[Finding]:
    """Yield the findings, those of the cheapest checks first."""
    yield from _tools()
    yield from _conflicts(place)
    yield from _workflows(place)
    try:
        location = project.template_of(place, template)
        if source.is_local(location) and not template:
            yield Finding(
                "template", place.answers_file, f"_src_path is {location}, a path of this machine: write the URL of the repository"
            )
        if not template and location != source.without_credentials(location):
            text = "holds a user or a password: write the URL without them, and let git's credential helper supply them"
            yield Finding("answer", "_src_path", text)
        with source.opened(location) as newest:
            current = newest.at(place.version)
            yield from _versions(newest, current)
            refused = yield from _answers(place, current)
            if not refused:  # invalid answers cannot be rendered for a comparison
                yield from _files(place, current)
    except UserError as error:
        yield Finding("template", place.answers_file, error.message.splitlines()[0])


def _workflows(place: Project) -> Iterator[Finding]:
    """GitHub reads workflows only in the root of a repository.

    Source: docs.github.com/en/actions/concepts/workflows-and-actions/workflows.
    """
    if place.prefix and list((place.folder / WORKFLOWS).glob("*.yml")):
        folder = place.prefix.rstrip("/")
        text = f"never run: GitHub runs those in {WORKFLOWS} of the repository's root; move them and set working-directory: {folder}"
        yield Finding("place", WORKFLOWS, text)


def _tools() -> Iterator[Finding]:
    for tool, (oldest, purpose) in TOOLS.items():
        least = ".".join(map(str, oldest))
        if shutil.which(tool) is None:
            yield Finding("tool", tool, f"not found: {least} or newer is needed for {purpose}")
            continue
        found = _version_of(tool)
        if found and found < oldest:
            yield Finding("tool", tool, f"{'.'.join(map(str, found))} is too old: {least} or newer is needed for {purpose}")


def _version_of(tool: str) -> tuple[int, ...]:
    """Return the first two numbers of a tool's version, or nothing if the tool does not print it."""
    command = [tool, *VERSION_FLAGS.get(tool, ("--version",))]
    output = subprocess.run(command, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL).stdout
    found = re.search(r"(\d+)\.(\d+)", output)
    return (int(found[1]), int(found[2])) if found else ()


def _conflicts(place: Project) -> Iterator[Finding]:
    marked = (
        git.run("grep", "--name-only", "-z", "-I", "--extended-regexp", MARKERS, "--", ".", cwd=place.folder, codes=(0, 1))
        .decode()
        .split("\0")
    )
    for path in filter(None, marked):
        yield Finding("conflict", path, "holds the markers of an unfinished update")
    for path in git.text("ls-files", "--others", "--cached", "--", "*.rej", cwd=place.folder).splitlines():
        yield Finding("conflict", path, "was left by an unfinished update")


def _versions(newest: source.Template, current: source.Template) -> Iterator[Finding]:
    behind = newest.releases_since(current.commit())
    if behind:
        yield Finding("version", current.version, f"{len(behind)} release{'s' if len(behind) > 1 else ''} behind {behind[0]}")
    elif current.is_older(newest) and newest.clone:
        count = int(git.text("rev-list", "--count", f"{current.commit()}..{newest.commit()}", cwd=newest.clone))
        yield Finding("version", current.version, f"{count} commit{'s' if count > 1 else ''} behind {newest.version}")


def _answers(place: Project, current: source.Template) -> Generator[Finding, None, bool]:
    """Yield the names and answers that the template does not take; whether an answer is refused."""
    questions = asking.known(current)
    for name in place.answers:
        if name not in questions:
            yield Finding("answer", name, f"is not a question.{suggestion(name, questions)}")
    try:
        asking.ask(current, {}, defaults=True, stored=place.folder / place.answers_file, answers_file=place.answers_file)
    except UserError as error:
        name, _, reason = error.message.partition(": ")
        yield Finding("answer", name, f"{reason} (the files are not compared)")
        return True
    return False


def _files(place: Project, current: source.Template) -> Iterator[Finding]:
    """Compare the managed files with a rendering of the answers."""
    with TemporaryDirectory(prefix="sampan-") as scratch:
        repository = Repository(Path(scratch) / "merge.git", place.top)
        target = Path(scratch) / "rendered"
        rendering.render(current.location, target, place.answers, ref=current.ref, answers_file=place.answers_file)
        tree = repository.read_folder(target, "rendered")
        stated = repository.read_file(tree[OWNERSHIP]) if OWNERSHIP in tree else None
        managed = _managed(place, tree, stated)
        present = [path for path in managed if (place.folder / path).is_file()]
        names = "".join(f"{place.prefix}{path}\n" for path in present)
        found = git.run("hash-object", "--stdin-paths", cwd=place.top, stdin=names.encode(errors="surrogateescape")).decode().split()
        now = dict(zip(present, found, strict=True))
        for path, identifier in managed.items():
            if path not in now:
                yield Finding("missing", path, "is missing")
            elif now[path] != identifier:
                yield _difference(path, (target / path).read_text(errors="replace"), (place.folder / path).read_text(errors="replace"))


def _managed(place: Project, tree: Tree, stated: bytes | None) -> dict[str, str]:
    """Return the managed files of a rendering and their objects: all but the team's, the shared edges and the answers."""
    owned = project.ownership(stated)
    shared = project.Ownership(seeded=tuple(json.loads(stated or b"{}").get("shared", ())))
    return {
        path: identifier
        for path, (_, identifier) in tree.items()
        if path != place.answers_file and not (owned.is_owned(path) or shared.is_seeded(path))
    }


def _difference(path: str, rendered: str, present: str) -> Finding:
    """Describe the difference: the first line for a file of answers, a count for other files."""
    pairs = list(zip(rendered.splitlines(), present.splitlines(), strict=False))
    first = next((number for number, (left, right) in enumerate(pairs) if left != right), len(pairs))
    if project.Ownership(seeded=ANSWERS_ONLY).is_seeded(path):
        now, then = ((text.splitlines()[first : first + 1] or ["nothing"])[0].strip() for text in (present, rendered))
        return Finding("drift", path, f"line {first + 1} has {now}; by the answers it is {then}")
    return Finding("edited", path, f"differs from the template from line {first + 1} on; updates merge it")
