"""A three-way merge of file trees by `git merge-tree`, which follows renames and touches no work tree.

`base` is the project as the old version renders it, `ours` is the project, `theirs` is the project as the new version renders it. Objects
are written to a repository of the merge's own, which borrows those of the project.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal

from sampan import git
from sampan.errors import UserError

OLDEST_GIT: Final = (2, 38)
"""The first git with `merge-tree --write-tree`."""
OURS, THEIRS = "before-updating", "after-updating"
"""Names of the two sides in conflict markers: Copier's words, as far as a branch can have them."""
SETTINGS: Final = (
    *("-c", "merge.renames=true", "-c", "diff.renames=true", "-c", "merge.conflictStyle=merge"),
    # If the template renames a folder, do not move files that the team added to it.
    *("-c", "merge.directoryRenames=false"),
    # Commit renderings without conversion of line ends.
    *("-c", "core.autocrlf=false", "-c", "core.safecrlf=false", "-c", "core.fileMode=true"),
)

KINDS: Final[Mapping[tuple[int, ...], Literal["content", "added", "removed"]]] = {(1, 2, 3): "content", (2, 3): "added", (1, 2): "removed"}
"""Kinds of conflicts by the stages that git records: 1 is the old rendering, 2 the project, 3 the new rendering."""

Entry = tuple[str, str]
"""Mode and object of a file."""
Tree = dict[str, Entry]
"""Files of a project by path."""


@dataclass(frozen=True)
class Conflict:
    """A file that needs a person's decision."""

    path: str
    kind: Literal["content", "added", "moved", "removed"]
    """`content`: both sides changed the same lines. `added`: both added the file. `moved`: both moved it, to different places.
    `removed`: the template removes it, the project edited it."""


@dataclass(frozen=True)
class Merged:
    """The outcome of a merge. A file with a conflict holds both sides, or the project's where the template removes it."""

    tree: Tree
    conflicts: list[Conflict]
    stages: list[tuple[str, str, int, str]] = field(default_factory=list)
    """Index entries of the conflicts: mode, object, stage, path."""


class Repository:
    """A bare repository in `folder` for trees and merges; it reads the objects of the project in `top`."""

    def __init__(self, folder: Path, top: Path) -> None:
        self.folder = folder
        version = git.text("version", cwd=top).split()[2].split(".")
        if tuple(int(part) for part in version[:2]) < OLDEST_GIT:
            message = f"git {'.'.join(version)} is too old: install 2.38 or newer."
            raise UserError(message)
        form = git.text("rev-parse", "--show-object-format", cwd=top)
        git.run("init", "--quiet", "--bare", f"--object-format={form}", str(folder), cwd=top)
        objects = git.text("rev-parse", "--path-format=absolute", "--git-path", "objects", cwd=top)
        (folder / "objects/info").mkdir(parents=True, exist_ok=True)
        (folder / "objects/info/alternates").write_text(f"{objects}\n", encoding="utf-8")

    def git(self, *arguments: str, stdin: bytes | None = None, codes: tuple[int, ...] = (0,), index: str = "index") -> bytes:
        """Run git in this repository with an index of its own."""
        extra = {**git.IDENTITY, "GIT_INDEX_FILE": str(self.folder / index)}
        return git.run(*SETTINGS, *arguments, cwd=self.folder, extra=extra, stdin=stdin, codes=codes)

    def read_folder(self, folder: Path, name: str) -> Tree:
        """Store the files of a rendered project. Return its tree."""
        self.git("--git-dir", str(self.folder), "--work-tree", str(folder), "add", "--all", "--force", "--", str(folder), index=name)
        return self.read_tree(self.git("write-tree", index=name).decode().strip())

    def read_tree(self, tree: str) -> Tree:
        """Return the files of a tree, commit or `commit:folder`."""
        found: Tree = {}
        for line in self.git("ls-tree", "-r", "-z", tree).decode(errors="surrogateescape").split("\0"):
            if line:
                details, path = line.split("\t", 1)
                mode, _, identifier = details.split()
                found[path] = (mode, identifier)
        return found

    def write_tree(self, tree: Mapping[str, Entry]) -> str:
        """Store a tree. Return its identifier."""
        (self.folder / "written").unlink(missing_ok=True)
        lines = "".join(f"{mode} {identifier}\t{path}\0" for path, (mode, identifier) in sorted(tree.items()))
        self.git("update-index", "-z", "--index-info", stdin=lines.encode(errors="surrogateescape"), index="written")
        return self.git("write-tree", index="written").decode().strip()

    def read_file(self, entry: Entry) -> bytes:
        """Return the contents of a file."""
        return self.git("cat-file", "blob", entry[1])

    def commit(self, tree: Mapping[str, Entry], *parents: str, branch: str) -> str:
        """Commit a tree on a branch of this repository. Return the commit."""
        options = [word for parent in parents for word in ("-p", parent)]
        made = self.git("commit-tree", *options, "-m", branch, self.write_tree(tree)).decode().strip()
        self.git("update-ref", f"refs/heads/{branch}", made)
        return made

    def merge(self, base: Tree, ours: Tree, theirs: Tree) -> Merged:
        """Merge two changes of `base`. A file that the project deleted stays deleted, whatever the template changes in it."""
        start = self.commit(base, branch="last-update")
        self.commit(ours, start, branch=OURS)
        self.commit(theirs, start, branch=THEIRS)
        fields = self.git("merge-tree", "--write-tree", "-z", OURS, THEIRS, codes=(0, 1)).decode(errors="surrogateescape").split("\0")
        tree = self.read_tree(fields[0])
        stages: dict[str, list[tuple[str, str, int, str]]] = {}
        for line in fields[1:]:
            if not line:
                break
            details, path = line.split("\t", 1)
            mode, identifier, stage = details.split()
            stages.setdefault(path, []).append((mode, identifier, int(stage), path))
        conflicts = []
        for path, entries in stages.items():
            present = {stage for _, _, stage, _ in entries}
            if present == {1, 3} and path not in ours:  # deleted in the project
                tree.pop(path, None)
            elif path in tree or path in ours:
                conflicts.append(Conflict(path, KINDS.get(tuple(sorted(present)), "moved")))
                tree |= self._with_labels(path, tree.get(path))
        conflicts.sort(key=lambda conflict: conflict.path)
        return Merged(tree, conflicts, [entry for conflict in conflicts for entry in stages[conflict.path]])

    def _with_labels(self, path: str, entry: Entry | None) -> Tree:
        """Return the file with Copier's names of the two sides in its markers, which the checks of a project look for."""
        if entry is None:
            return {}
        mode, text = entry[0], self.read_file(entry)
        for marker, branch in ((b"<<<<<<< ", OURS), (b">>>>>>> ", THEIRS)):
            text = text.replace(marker + branch.encode(), marker + branch.replace("-", " ").encode())
        return {path: (mode, self.git("hash-object", "-w", "--stdin", stdin=text).decode().strip())}
