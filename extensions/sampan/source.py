"""The template that a command works with: a git repository at one version, or a folder without git."""

import io
import json
import re
import shutil
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from packaging.version import InvalidVersion, Version

from sampan import git, root
from sampan.errors import UserError

QUESTIONNAIRE: Final = ("copier.yml", "extensions")
"""The parts of a template that its questions need."""
SHORTHANDS: Final = {"gh:": "https://github.com/", "gl:": "https://gitlab.com/"}
CREDENTIALS: Final = re.compile(r"(https?://)[^/?#\s]*@")


@dataclass(frozen=True)
class Template:
    """A template at one version.

    `location` is the URL or path as Copier takes it, perhaps with credentials; `public` is for everybody. `ref` is what Copier checks out,
    None for a folder without git. `clone` holds the history; for a folder without git, and for uncommitted changes in a clone of one's own,
    `folder` holds the files.
    """

    location: str
    ref: str | None
    clone: Path | None
    folder: Path | None

    @property
    def public(self) -> str:
        """The location without credentials, which everybody may see and a project stores."""
        return without_credentials(self.location)

    @property
    def version(self) -> str:
        """The version as a project stores it: a tag, a commit after a tag, or a commit."""
        if self.clone is None or self.ref is None:
            return f"snapshot in sampan {metadata.version('sampan')}" if is_snapshot(self.location) else "in a folder without versions"
        return self.described + (" with uncommitted changes" if self.folder else "")

    @property
    def described(self) -> str:
        """The commit as Copier stores it in `_commit`; empty for a folder without git."""
        return git.text("describe", "--tags", "--always", self.ref, cwd=self.clone) if self.clone and self.ref else ""

    def at(self, ref: str) -> "Template":
        """Return the same template at another version, a tag or a commit."""
        if (
            self.clone is None
            or ref.startswith("-")
            or not git.succeeds("rev-parse", "--verify", "--quiet", f"{ref}^{{commit}}", cwd=self.clone)
        ):
            message = f"The template {self.public} has no version {ref}."
            raise UserError(message)
        return Template(self.location, ref, self.clone, None)

    def write_questionnaire(self, target: Path) -> None:
        """Write the questions and the macros behind them into `target`, without the files that would be rendered."""
        if self.folder is None and self.clone is not None:
            self._extract(target, *QUESTIONNAIRE)
            return
        source = self.folder or Path(self.location)
        target.mkdir(parents=True, exist_ok=True)
        shutil.copy2(source / "copier.yml", target)
        shutil.copytree(source / "extensions", target / "extensions", ignore=shutil.ignore_patterns("__pycache__", "sampan"))

    def export(self, target: Path) -> None:
        """Write all files into `target`, a folder without git from which Copier renders at once; the package itself is left out."""
        self.write_questionnaire(target)
        if self.folder is None and self.clone is not None:
            self._extract(target, "template")
            return
        source = self.folder or Path(self.location)
        if self.clone is None:
            shutil.copytree(source / "template", target / "template", ignore=shutil.ignore_patterns("__pycache__"), symlinks=True)
            return
        for name in git.text("ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", "template", cwd=source).split("\0"):
            if name and (source / name).exists():
                (target / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(source / name, target / name, follow_symlinks=False)

    def _extract(self, target: Path, *parts: str) -> None:
        """Write parts of the commit into `target`."""
        archive = git.run("archive", str(self.ref), "--", *parts, cwd=self.clone or target)
        with tarfile.open(fileobj=io.BytesIO(archive)) as files:
            files.extractall(target, filter="data")

    def size(self) -> int:
        """Return the number of files and folders of the template: about as many as a project has."""
        if self.folder is None and self.clone is not None and self.ref is not None:
            return len(git.text("ls-tree", "-r", "-t", "--name-only", self.ref, "template/", cwd=self.clone).splitlines())
        return sum(1 for _ in Path(self.folder or self.location).joinpath("template").rglob("*"))

    def publish(self, answers_file: Path) -> None:
        """Take the credentials of the template's URL out of a new project's answers file, which a person commits."""
        if self.location != self.public:
            text = answers_file.read_text(encoding="utf-8")
            answers_file.write_text(text.replace(self.location, self.public), encoding="utf-8", newline="")

    def commit(self, ref: str | None = None) -> str:
        """Return the full hash of a version."""
        if self.clone is None:
            return ""
        return git.text("rev-parse", f"{ref or self.ref}^{{commit}}", cwd=self.clone)

    def is_older(self, other: "Template") -> bool:
        """Whether this version is a proper ancestor of the other one."""
        if self.clone is None or self.commit() == other.commit():
            return False
        return git.succeeds("merge-base", "--is-ancestor", self.commit(), other.commit(), cwd=self.clone)

    def releases_since(self, ref: str) -> list[str]:
        """Return the releases that do not come before `ref` and are not `ref`, the newest first."""
        if self.clone is None:
            return []
        return sorted(git.text("tag", "--no-merged", ref, cwd=self.clone).split(), key=_version, reverse=True)


def _version(tag: str) -> Version:
    try:
        return Version(tag)
    except InvalidVersion:
        return Version("0.dev0")


def newest_release(clone: Path) -> str | None:
    """Return the tag of the newest release, as Copier chooses it: by PEP 440, without pre-releases; None without a release."""
    releases = [
        tag
        for tag in git.text("tag", "--list", cwd=clone).split()
        if _version(tag) != Version("0.dev0") and not _version(tag).is_prerelease
    ]
    return max(releases, key=_version, default=None)


def url_of(location: str) -> str:
    """Return what `git clone` takes for a location of Copier's: without `git+`, `gh:` and `gl:` written out."""
    for shorthand, host in SHORTHANDS.items():
        if location.startswith(shorthand):
            return f"{host}{location.removeprefix(shorthand).lstrip('/').removesuffix('.git')}.git"
    return location.removeprefix("git+")


def without_credentials(location: str) -> str:
    """Return a location without the user and password, or the token, of an HTTP URL."""
    return CREDENTIALS.sub(r"\1", location)


def stored_form(location: str) -> str:
    """Return a location as Copier recognises a git repository, and as a project stores it: by `.git`, by a known host, or by `git+`."""
    known = ("git@", "git://", "git+", "https://github.com/", "https://gitlab.com/", *SHORTHANDS)
    return location if is_local(location) or location.endswith(".git") or location.startswith(known) else f"git+{location}"


@contextmanager
def opened(location: str, ref: str | None = None) -> Iterator[Template]:
    """Give the template at `ref`, or at its newest release; a clone of it lives as long as the block.

    Raises `UserError` when the template cannot be read, is not a Copier template, or has no version `ref`.
    """
    with TemporaryDirectory(prefix="sampan-") as scratch:
        path = Path(location).expanduser()
        if path.is_dir() and not (path / ".git").exists() and (path / "copier.yml").is_file():
            if ref:
                message = f"{location} is a folder without git: it has no version {ref}."
                raise UserError(message)
            yield Template(str(path.resolve()), None, None, path.resolve())
            return
        clone = Path(scratch) / "template.git"
        try:
            git.run(
                "clone",
                "--quiet",
                "--bare",
                "--",
                str(path.resolve()) if path.exists() else url_of(location),
                str(clone),
                cwd=Path(scratch),
            )
        except git.GitError as error:
            message = f"The template {without_credentials(location)} cannot be read: {error}."
            raise UserError(message) from None
        stored = str(path.resolve()) if path.exists() else stored_form(location)
        chosen = ref or newest_release(clone) or "HEAD"
        if path.is_dir() and chosen == "HEAD":
            # Like Copier, treat uncommitted changes of a local clone as part of HEAD.
            changed = bool(git.text("status", "--porcelain", cwd=path))
            yield _checked(Template(stored, "HEAD", clone, path.resolve() if changed else None))
            return
        yield _checked(Template(stored, "HEAD", clone, None).at(chosen))


def _checked(template: Template) -> Template:
    """Return the template, if it has the parts that the commands read."""
    if template.clone and not git.succeeds("cat-file", "-e", f"{template.ref}:copier.yml", cwd=template.clone):
        message = f"{template.public} is not a Copier template: copier.yml is missing."
        raise UserError(message)
    return template


def installed() -> tuple[str, str | None]:
    """Return location and version of the template that belongs to this installation.

    In a checkout that is the checkout. In a wheel that was installed from a git URL (PEP 610), that repository at the installed commit; in
    any other wheel, the repository that the package's metadata names; where there is none, the snapshot in the wheel.
    """
    if not root.is_packaged():
        return str(root.root()), None
    distribution = metadata.distribution("sampan")
    origin = json.loads(distribution.read_text("direct_url.json") or "{}")
    if "vcs_info" in origin:
        return origin["url"], origin["vcs_info"]["commit_id"]
    for entry in distribution.metadata.get_all("Project-URL") or ():
        label, _, url = entry.partition(", ")
        if label.lower() == "repository":
            return url, None
    return str(root.root()), None


def is_snapshot(location: str) -> bool:
    """Whether this is the snapshot in a wheel, which has no git history that a project could follow."""
    return root.is_packaged() and Path(location) == root.root()


def is_local(location: str) -> bool:
    """Whether a location exists on one machine only."""
    return not re.match(r"[a-z+]{2,}:|[^/]+@[^/]+:", location)
