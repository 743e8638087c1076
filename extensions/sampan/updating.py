"""An update of a project, computed without touching it: the preview is the update that is not applied.

Old and new version are rendered with the answers before and after, and merged with the project by `merging`. Files that belong to the team
(docs/ownership.json) take no part, except those that are missing.
"""

import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from sampan import asking, git, project, rendering, source
from sampan.errors import UserError
from sampan.merging import Conflict, Merged, Repository, Tree
from sampan.project import OWNERSHIP, Project

CONFIRMATION: Final = "destroyed"
"""The question that confirms a loss; it is never stored."""


@dataclass(frozen=True)
class Change:
    """The effect of an update on one file: `added`, `changed`, `removed` or `moved`, with the edits of the project merged or not."""

    path: str
    kind: str
    source: str = ""
    """The earlier path of a file that moves."""
    merged: bool = False


@dataclass(frozen=True)
class Plan:
    """An update that is computed and not yet applied."""

    project: Project
    old: source.Template
    new: source.Template
    answered: asking.Answered
    losses: list[str]
    """Resources in AWS that would be lost: stored answers that change, and options that are switched off."""
    costs: tuple[float, float] | None
    """The estimate of a month before the update, at low and at high load; None where it is not known."""
    merged: Merged
    changes: list[Change]
    repository: Repository
    ours: Tree

    @property
    def conflicts(self) -> list[Conflict]:
        """The files that need a decision."""
        return self.merged.conflicts

    @property
    def answers(self) -> list[tuple[str, Any, Any]]:
        """The answers that change: question, before, after. A question that is new has None before."""
        before, after = self.project.answers, self.answered.answers
        return [(name, before.get(name), answer) for name, answer in after.items() if name != CONFIRMATION and before.get(name) != answer]

    @property
    def costs_after(self) -> tuple[float, float] | None:
        """The estimate of a month after the update, at low and at high load."""
        costs = self.answered.summary.get("costs")
        return (costs["low"], costs["high"]) if costs else None

    def patch(self) -> str:
        """Return the changes as a patch."""
        trees = (self.repository.write_tree(self.ours), self.repository.write_tree(self.merged.tree))
        return self.repository.git("diff-tree", "-p", "-M", *trees).decode(errors="replace")

    def apply(self) -> None:
        """Write the update into the work tree and the index; files with conflicts are left unmerged in the index."""
        top = self.project.top
        self.repository.commit(self.merged.tree, "refs/heads/before-updating", "refs/heads/after-updating", branch="merged")
        try:
            git.run("fetch", "--quiet", "--no-tags", "--no-write-fetch-head", str(self.repository.folder), "refs/heads/merged", cwd=top)
            whole = self._whole_tree()
            git.run("read-tree", "-m", "-u", "HEAD", whole, cwd=top)
            if self.merged.stages:
                lines = [f"0 {'0' * len(identifier)}\t{self.project.prefix}{path}\n" for _, identifier, _, path in self.merged.stages]
                lines += [
                    f"{mode} {identifier} {stage}\t{self.project.prefix}{path}\n" for mode, identifier, stage, path in self.merged.stages
                ]
                git.run("update-index", "--index-info", cwd=top, stdin="".join(lines).encode(errors="surrogateescape"))
        except git.GitError as error:
            message = f"Git refuses the update, and nothing is changed: {error}"
            raise UserError(message) from None

    def _whole_tree(self) -> str:
        """Return the tree of the repository with the project's folder replaced."""
        merged = self.repository.write_tree(self.merged.tree)
        if not self.project.prefix:
            return merged
        top, extra = self.project.top, {"GIT_INDEX_FILE": str(self.repository.folder / "whole")}
        git.run("read-tree", "HEAD", cwd=top, extra=extra)
        git.run("rm", "-r", "--cached", "--quiet", "--", self.project.prefix, cwd=top, extra=extra)
        git.run("read-tree", f"--prefix={self.project.prefix}", merged, cwd=top, extra=extra)
        return git.text("write-tree", cwd=top, extra=extra)


@contextmanager
def planned(
    place: Project,
    *,
    to: str | None = None,
    data: Mapping[str, Any] | None = None,
    template: str | None = None,
    asked: tuple[str, ...] = (),
    step: Callable[[str], None] = lambda _: None,
) -> Iterator[Plan]:
    """Compute an update to the version `to` (the newest release) with the answers of `data`; `step` hears what is being done.

    Raises `UserError` for an answer that is refused, a version that does not exist, and a downgrade.
    """
    location = project.template_of(place, template)
    step("Reading the template")
    with source.opened(location, to) as newest, TemporaryDirectory(prefix="sampan-") as scratch:
        old = newest.at(place.version)
        new = _target(newest, old, to)
        answered, losses, costs = _answers(place, new, dict(data or {}), asked)
        repository = Repository(Path(scratch) / "merge.git", place.top)
        step(f"Rendering {old.version}")
        base = _rendered(old, Path(scratch) / "old", place, place.answers, repository)
        step(f"Rendering {new.version}")
        theirs = _rendered(new, Path(scratch) / "new", place, answered.answers, repository, stored=True)
        step("Merging")
        ours = repository.read_tree(git.text("rev-parse", f"HEAD:{place.prefix.rstrip('/')}", cwd=place.top))
        base, theirs = _without_owned(base, ours, theirs, repository)
        # The new answers file replaces the old one without a merge, because it contains only answers.
        before = {**ours, place.answers_file: base.get(place.answers_file, ours[place.answers_file])}
        merged = repository.merge(base, before, theirs)
        yield Plan(place, old, new, answered, losses, costs, merged, _changes(repository, base, ours, merged), repository, ours)


def _target(newest: source.Template, old: source.Template, to: str | None) -> source.Template:
    """Return the version to update to: the newest release, unless the project is ahead of it. Raises `UserError` for a downgrade."""
    if not newest.is_older(old):
        return newest
    if to is None:
        return old
    message = f"{to} is older than the project's {old.version}: revert the commit of the update instead."
    raise UserError(message)


def _answers(
    place: Project, new: source.Template, data: dict[str, Any], asked: tuple[str, ...]
) -> tuple[asking.Answered, list[str], tuple[float, float] | None]:
    """Return the answers after the update, the resources that would be lost, and the cost before."""
    stored = place.folder / place.answers_file
    confirmed = {CONFIRMATION: True} if CONFIRMATION in asking.known(new) else {}
    answered = asking.ask(new, {**data, **confirmed}, defaults=True, stored=stored, answers_file=place.answers_file, asked=asked)
    losses = [str(loss) for loss in answered.summary.get("losses", [])]
    if not data and not asked:
        return answered, losses, None
    try:
        before = asking.ask(new, confirmed, defaults=True, stored=stored, answers_file=place.answers_file)
    except UserError:  # a stored answer that `data` corrects
        return answered, losses, None
    kept = set(answered.summary.get("resources", []))
    losses += [option for option in before.summary.get("resources", []) if option not in kept]
    costs = before.summary.get("costs")
    return answered, losses, (costs["low"], costs["high"]) if costs else None


def _rendered(
    template: source.Template, target: Path, place: Project, answers: Mapping[str, Any], repository: Repository, *, stored: bool = False
) -> Tree:
    """Return the files of a version; with `stored`, the project's answers file is there beforehand, as in an update."""
    if stored:
        (target / place.answers_file).parent.mkdir(parents=True)
        shutil.copy2(place.folder / place.answers_file, target / place.answers_file)
    rendering.render(template.location, target, answers, ref=template.ref, answers_file=place.answers_file, overwrite=stored)
    return repository.read_folder(target, target.name)


def _without_owned(base: Tree, ours: Tree, theirs: Tree, repository: Repository) -> tuple[Tree, Tree]:
    """Return both renderings without the files that are the team's, except those that the project lacks and gets.

    The new version says whose a file is, and either version for a file that the new one does not have.
    """
    old, new = (project.ownership(repository.read_file(tree[OWNERSHIP]) if OWNERSHIP in tree else None) for tree in (base, theirs))

    def is_owned(path: str) -> bool:
        return new.is_owned(path) or (path not in theirs and old.is_owned(path))

    def is_delivered(path: str) -> bool:
        if new.is_yours(path) and old.is_yours(path):  # belongs to the team after the first copy, also if deleted
            return False
        return path not in ours or not is_owned(path)

    kept = {path: entry for path, entry in base.items() if not is_owned(path)}
    return kept, {path: entry for path, entry in theirs.items() if is_delivered(path)}


def _changes(repository: Repository, base: Tree, ours: Tree, merged: Merged) -> list[Change]:
    """Return what the merge changes in the project."""
    output = repository.git("diff-tree", "-r", "-M", "-z", "--name-status", repository.write_tree(ours), repository.write_tree(merged.tree))
    fields = iter(output.decode(errors="surrogateescape").split("\0"))
    kinds = {"A": "added", "M": "changed", "T": "changed", "D": "removed"}
    found = []
    for status in fields:
        if not status:
            continue
        path = next(fields)
        edited = path in base and base[path] != ours.get(path)
        if status.startswith("R"):
            found.append(Change(next(fields), "moved", path, edited))
        else:
            found.append(Change(path, kinds[status[0]], merged=edited and status[0] == "M"))
    return sorted(found, key=lambda change: change.path)
