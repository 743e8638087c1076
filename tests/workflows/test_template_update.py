"""The weekly update: two releases of a small copy of the template, projects in git, and what becomes of them."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.harness import ANSWERS_FILE, GIT_ENVIRONMENT, ROOT, commit_all, copy_template, files_of, git, required

KEPT = (
    "{= _copier_conf.answers_file =}.jinja",
    ".github/scripts",
    ".gitignore",
    "docs/ownership.json.jinja",
    "deploy/base/worker.yaml",
    "src/app/worker.py",
)
TOKEN = {"GH_TOKEN": "any"}
MARKERS = (b"<<<<<<< ", b">>>>>>> ")
UVX = f"""#!/usr/bin/env bash
if [[ $1 == --from ]]; then shift 3; exec {sys.executable} "$@"; fi
shift; exec {sys.executable} -m copier "$@"
"""
UV = '#!/usr/bin/env bash\n[[ $1 == lock ]] && echo "locked for $(grep _commit .copier-answers.yml)" >uv.lock\n'


def release(source: Path, tag: str) -> None:
    commit_all(source, tag)
    git("tag", tag, cwd=source)


def change(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The template with few files: v1.0.0, and v2.0.0 with another comment in the worker, a file less, one renamed and a plan less."""
    whole = copy_template(tmp_path_factory.mktemp("whole"))
    small = tmp_path_factory.mktemp("small")
    shutil.copytree(whole / "extensions", small / "extensions")
    shutil.copy2(whole / "copier.yml", small)
    for name in KEPT:
        (small / "template" / name).parent.mkdir(parents=True, exist_ok=True)
        copy = shutil.copytree if (whole / "template" / name).is_dir() else shutil.copy2
        copy(whole / "template" / name, small / "template" / name)
    for name in ("leaving.yaml", "old-name.yaml"):
        (small / "template/deploy/base" / name).write_text("kind: List\nitems: []\n", encoding="utf-8")
    release(small, "v1.0.0")
    worker = small / "template/src/app/worker.py"
    worker.write_text(
        '"""The worker, as of the second release."""\n' + worker.read_text(encoding="utf-8").split("\n", 1)[1], encoding="utf-8"
    )
    (small / "template/deploy/base/arriving.yaml").write_text("kind: List\n", encoding="utf-8")
    (small / "template/deploy/base/leaving.yaml").unlink()
    (small / "template/deploy/base/old-name.yaml").rename(small / "template/deploy/base/new-name.yaml")
    change(small / "copier.yml", "choices: [free, team, enterprise]", "choices: [free, enterprise]")
    change(small / "copier.yml", "'github_plan', 'team'", "'github_plan', 'free'")
    release(small, "v2.0.0")
    return small


class Project:
    """A project at v1.0.0 with its remote, as a workflow checks it out."""

    def __init__(self, source: Path, folder: Path, plan: str = "enterprise", languages: str = "[en]", answers: str = ANSWERS_FILE) -> None:
        self.folder, self.root, self.bin = folder, folder / "project", folder / "bin"
        self.bin.mkdir()
        copier = [sys.executable, "-m", "copier"]
        command = [
            *copier,
            "copy",
            "--defaults",
            "--quiet",
            "--answers-file",
            answers,
            "--vcs-ref",
            "v1.0.0",
            "-d",
            f"github_plan={plan}",
            "-d",
            f"languages={languages}",
            str(source),
            str(self.root),
        ]
        subprocess.run(command, check=True, env={**os.environ, **GIT_ENVIRONMENT}, capture_output=True)
        (self.root / "uv.lock").write_text("first\n", encoding="utf-8")
        commit_all(self.root, "Start")
        git("init", "-q", "--bare", "-b", "main", str(folder / "remote.git"), cwd=folder)
        git("push", "-q", str(folder / "remote.git"), "main", cwd=self.root)
        tools = {
            "uvx": UVX,
            "uv": UV,
            "gh": '#!/usr/bin/env bash\necho "$@" >>"$LOG"\n',
        }
        for name, text in tools.items():
            (self.bin / name).write_text(text, encoding="utf-8")
            (self.bin / name).chmod(0o755)

    def edit(self, name: str, text: str) -> None:
        path = self.root / name
        path.write_text(text + path.read_text(encoding="utf-8").split("\n", 1)[1], encoding="utf-8")
        commit_all(self.root, "Ours")
        git("push", "-q", str(self.folder / "remote.git"), "main", cwd=self.root)

    def run(self, script: str, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run a script of the project as the workflow does."""
        return subprocess.run(
            [str(self.root / ".github/scripts" / script), str(self.folder / "update"), *arguments],
            cwd=self.root,
            env={
                **os.environ,
                **GIT_ENVIRONMENT,
                "PATH": f"{self.bin}{os.pathsep}{os.environ['PATH']}",
                "GITHUB_OUTPUT": str(self.folder / "output.txt"),
                "GITHUB_REPOSITORY": "acme/shop",
                "REMOTE": str(self.folder / "remote.git"),
                "LOG": str(self.folder / "log.txt"),
                **environment,
            },
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )

    def update(self) -> dict[str, str]:
        """The outputs of update-template.sh."""
        done = self.run("update-template.sh")
        assert done.returncode == 0, done.stdout + done.stderr
        lines = (self.folder / "output.txt").read_text(encoding="utf-8").splitlines()
        (self.folder / "output.txt").unlink()
        return dict(line.split("=", 1) for line in lines)

    @property
    def report(self) -> str:
        return (self.folder / "update/report.md").read_text(encoding="utf-8")

    def branches(self) -> list[str]:
        """Branches of the remote."""
        return git("for-each-ref", "--format=%(refname:short)", cwd=self.folder / "remote.git").split()


def test_a_clean_update_becomes_a_branch_with_the_users_edit_and_a_new_lock(source: Path, tmp_path: Path) -> None:
    project = Project(source, tmp_path)
    project.edit("deploy/base/worker.yaml", "# Ours.\n")
    assert project.update() == {"outcome": "update", "version": "v2.0.0"}
    done = project.run("propose-update.sh", "v2.0.0", **TOKEN)
    assert done.returncode == 0, done.stdout + done.stderr
    assert project.branches() == ["main", "template-update/v2.0.0"]
    clone = tmp_path / "clone"
    git("clone", "-q", "-b", "template-update/v2.0.0", str(tmp_path / "remote.git"), str(clone), cwd=tmp_path)
    files = files_of(clone)
    assert files["src/app/worker.py"].startswith(b'"""The worker, as of the second release."""\n')
    assert files["deploy/base/worker.yaml"].startswith(b"# Ours.\n")
    assert "deploy/base/arriving.yaml" in files
    assert files["uv.lock"] == b"locked for _commit: v2.0.0\n"
    assert not [name for name, content in files.items() if any(marker in content for marker in MARKERS) and "scripts" not in name]
    (opened,) = (tmp_path / "log.txt").read_text(encoding="utf-8").splitlines()
    assert opened.startswith("pr create --repo acme/shop --base main --head template-update/v2.0.0")
    assert "- src/app/worker.py" in project.report
    # A week later the branch exists, so no second branch or pull request is created.
    assert project.run("propose-update.sh", "v2.0.0", **TOKEN).returncode == 0
    assert len((tmp_path / "log.txt").read_text(encoding="utf-8").splitlines()) == 1


def test_a_conflicting_update_reports_and_makes_no_branch(source: Path, tmp_path: Path) -> None:
    project = Project(source, tmp_path)
    project.edit("src/app/worker.py", '"""Our own worker."""\n')
    before = git("rev-parse", "HEAD", cwd=project.root)
    assert project.update() == {"outcome": "conflict", "version": "v2.0.0"}
    assert "- src/app/worker.py" in project.report
    assert "uv lock" in project.report
    assert not (tmp_path / "update/update.bundle").exists()
    assert git("rev-parse", "HEAD", cwd=project.root) == before
    assert git("status", "--porcelain", cwd=project.root) == ""
    assert (project.root / "src/app/worker.py").read_bytes().startswith(b'"""Our own worker."""\n')
    assert project.branches() == ["main"]


def test_an_answer_that_the_release_refuses_is_a_persons_decision(source: Path, tmp_path: Path) -> None:
    project = Project(source, tmp_path, plan="team")
    assert project.update() == {"outcome": "conflict", "version": "v2.0.0"}
    assert "- Invalid choice for 'github_plan': 'team' is not in ['free', 'enterprise']\n" in project.report
    assert "update -d name=value" in project.report
    assert git("status", "--porcelain", cwd=project.root) == ""
    assert "github_plan: team" in (project.root / ".copier-answers.yml").read_text(encoding="utf-8")


def test_a_changed_list_of_answers_is_a_persons_decision(source: Path, tmp_path: Path) -> None:
    """The release accepts the answer but stores another, like a rule that rewrites answers."""
    changing = tmp_path / "changing"
    shutil.copytree(source, changing)
    stored = changing / "template/{= _copier_conf.answers_file =}.jinja"
    stored.write_text("{= _copier_answers | combine({'languages': ['en']}) | to_nice_yaml -=}\n", encoding="utf-8")
    release(changing, "v3.0.0")
    project = Project(changing, tmp_path, languages="[en, th]")
    assert project.update() == {"outcome": "conflict", "version": "v3.0.0"}
    assert "- languages\n" in project.report


def test_an_edit_in_a_file_that_the_release_removes_or_renames_is_a_persons_decision(source: Path, tmp_path: Path) -> None:
    """The answers file may have any name."""
    project, names = Project(source, tmp_path, answers=".template answers.yml"), ("leaving.yaml", "old-name.yaml")
    for name in names:
        project.edit(f"deploy/base/{name}", "kind: Ours\n")
    assert project.update() == {"outcome": "conflict", "version": "v2.0.0"}
    for name in names:
        assert f"- deploy/base/{name}\n" in project.report
        assert (project.root / "deploy/base" / name).read_text(encoding="utf-8").startswith("kind: Ours\n")
    assert git("status", "--porcelain", cwd=project.root) == ""


def test_a_project_that_is_up_to_date_is_left_alone(source: Path, tmp_path: Path) -> None:
    project = Project(source, tmp_path)
    assert project.update()["outcome"] == "update"
    again = project.update()
    assert again == {"outcome": "none", "version": "v2.0.0"}


def test_a_project_of_an_unreleased_template_waits_for_the_next_release(source: Path, tmp_path: Path) -> None:
    ahead = tmp_path / "ahead"
    git("clone", "-q", str(source), str(ahead), cwd=tmp_path)
    git("commit", "-q", "--allow-empty", "-m", "After v2.0.0", cwd=ahead)
    project = Project(source, tmp_path)
    command = [sys.executable, "-m", "copier", "copy", "--defaults", "--quiet", "--overwrite", "--vcs-ref", "HEAD", str(ahead), "."]
    subprocess.run(command, cwd=project.root, check=True, env={**os.environ, **GIT_ENVIRONMENT}, capture_output=True)
    commit_all(project.root, "Ahead")
    outputs = project.update()
    assert (outputs["outcome"], outputs["version"][:9]) == ("none", "v2.0.0-1-")
    assert git("status", "--porcelain", cwd=project.root) == ""


def test_a_template_that_only_another_machine_has_is_told_and_not_a_failure(source: Path, tmp_path: Path) -> None:
    project = Project(source, tmp_path)
    change(project.root / ".copier-answers.yml", f"_src_path: {source}", "_src_path: /home/somebody/template")
    commit_all(project.root, "Elsewhere")
    done = project.run("update-template.sh")
    assert (done.returncode, "::notice title=No template" in done.stdout) == (0, True), done.stderr
    assert (tmp_path / "output.txt").read_text(encoding="utf-8").splitlines() == ["outcome=none", "version=v1.0.0"]


def test_without_a_token_the_update_waits_and_the_run_says_so(source: Path, tmp_path: Path) -> None:
    project = Project(source, tmp_path)
    assert project.update()["outcome"] == "update"
    done = project.run("propose-update.sh", "v2.0.0", GH_TOKEN="")
    assert (done.returncode, "TEMPLATE_UPDATE_TOKEN" in done.stdout) == (0, True)
    assert project.branches() == ["main"]


def test_a_bundle_with_conflict_markers_is_never_pushed(source: Path, tmp_path: Path) -> None:
    """A second look, by the job that holds the token: the first one ran code of others."""
    project = Project(source, tmp_path)
    start = git("rev-parse", "HEAD", cwd=project.root).strip()
    (project.root / "conflict.txt").write_text("<<<<<<< before updating\n=======\n>>>>>>> after updating\n", encoding="utf-8")
    commit_all(project.root, "Bad")
    (tmp_path / "update").mkdir()
    git("bundle", "create", "-q", str(tmp_path / "update/update.bundle"), f"{start}..HEAD", cwd=project.root)
    done = project.run("propose-update.sh", "v2.0.0", **TOKEN)
    assert done.returncode == 1
    assert project.branches() == ["main"]


def test_the_copier_of_the_workflow_is_one_that_the_template_takes() -> None:
    text = (ROOT / "template/.github/scripts/update-template.sh").read_text(encoding="utf-8")
    (version,) = {line.removeprefix("version=") for line in text.splitlines() if line.startswith("version=")}
    least = next(line for line in (ROOT / "copier.yml").read_text(encoding="utf-8").splitlines() if line.startswith("_min_copier_version"))
    assert tuple(map(int, version.split("."))) >= tuple(map(int, least.split('"')[1].split(".")))
    required("git")
