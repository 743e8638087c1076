"""`sampan new` as a user drives it: answers, mistakes, folders with something in them, a terminal."""

import json
import os
import signal
import subprocess
import time
from pathlib import Path

import plumbum
import pytest
import yaml

from sampan import fleet
from tests.cli.conftest import COMMAND, ENVIRONMENT, Sampan
from tests.harness import files_of, git
from tests.terminal import CTRL_C, DOWN, ENTER, TIMEOUT, Terminal


def stored(folder: Path) -> dict[str, object]:
    answers: dict[str, object] = yaml.safe_load((folder / ".copier-answers.yml").read_text(encoding="utf-8"))
    return answers


def test_a_project_has_the_answers_given_and_follows_its_template(sampan: Sampan, releases: Path, tmp_path: Path) -> None:
    answers, target = tmp_path / "answers.yml", tmp_path / "a folder" / "orders"
    answers.write_text("_commit: v0.9\nproject_name: Orders\nenvironments: [dev]\naz_count: 3\n", encoding="utf-8")
    outcome = sampan("new", target, "--defaults", "--template", releases, "--answers", answers, "--profile", "sandbox", "-d", "az_count=2")
    assert outcome.code == 0
    found = stored(target)
    assert {found["project_name"], found["profile"], found["az_count"]} == {"Orders", "sandbox", 2}
    assert (found["_src_path"], found["_commit"]) == (str(releases), "v1.1.0")
    assert "dev" in outcome.err
    assert f"cd '{target}'" in outcome.err
    assert "ownership.json" not in outcome.err  # Copier's own list of files
    assert list(tmp_path.glob(".sampan-*")) == []


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ((), "Order Desk"),
        (("-d", "project_name=Orders"), "Orders"),
    ],
)
def test_a_project_is_named_after_its_folder(given: tuple[str, ...], name: str, sampan: Sampan, releases: Path, tmp_path: Path) -> None:
    assert sampan("new", tmp_path / "order-desk", "--defaults", "--template", releases, *given).code == 0
    assert stored(tmp_path / "order-desk")["project_name"] == name


@pytest.mark.parametrize(
    ("given", "line"),
    [
        ("az_count=5", "az_count: 5 is not in [2, 3]"),
        ("az_cuont=2", "Unknown question 'az_cuont'. Did you mean 'az_count'?"),
        ("profile=production", "domain: write a host such as api.example.com: profile production needs TLS"),
        ("service=kube-system", "service: "),
    ],
)
def test_a_wrong_answer_is_one_line_and_nothing_is_written(given: str, line: str, sampan: Sampan, releases: Path, tmp_path: Path) -> None:
    outcome = sampan("new", tmp_path / "project", "--defaults", "--template", releases, "-d", given)
    assert outcome.code == 2
    [printed] = outcome.err.splitlines()
    assert printed.startswith(f"Error: {line}")
    assert list(tmp_path.iterdir()) == []


def test_a_dry_run_names_every_file_and_writes_none(sampan: Sampan, releases: Path, first: Path, tmp_path: Path) -> None:
    arguments = ("new", tmp_path / "project", "--defaults", "--template", releases, "--ref", "v1.0.0", "--dry-run")
    shown = sampan(*arguments)
    assert shown.code == 0
    assert "environments/" in shown.out
    document = json.loads(sampan(*arguments, "--json").out)
    assert set(document["files"]) == set(files_of(first))
    assert document["version"] == "v1.0.0"
    assert document["capacity"]["production"]["nodes"]
    assert list(tmp_path.iterdir()) == []


def test_existing_files_are_named_and_never_replaced_without_a_word(sampan: Sampan, releases: Path, tmp_path: Path) -> None:
    target = tmp_path / "project"
    target.mkdir()
    (target / "README.md").write_text("mine\n", encoding="utf-8")
    arguments = ("new", target, "--defaults", "--template", releases)
    outcome = sampan(*arguments)
    assert outcome.code == 2
    assert "is not empty: add --yes" in outcome.err
    outcome = sampan(*arguments, "--yes")
    assert outcome.code == 2
    assert outcome.err.splitlines()[-2].endswith("or add --overwrite to replace them.")
    assert outcome.err.splitlines()[-1] == "  README.md"
    assert files_of(target) == {"README.md": b"mine\n"}
    assert sampan(*arguments, "--overwrite").code == 0
    assert (target / "README.md").read_text(encoding="utf-8") == "# Project, newer\n"
    outcome = sampan(*arguments)
    assert outcome.code == 2
    assert "is already a project: use sampan update" in outcome.err


def test_a_new_repository_with_a_file_of_its_own_keeps_it(sampan: Sampan, releases: Path, tmp_path: Path) -> None:
    target = tmp_path / "project"
    target.mkdir()
    git("init", "-q", cwd=target)
    (target / "LICENSE").write_text("mine\n", encoding="utf-8")
    assert sampan("new", target, "--defaults", "--yes", "--template", releases).code == 0
    assert (target / "LICENSE").read_text(encoding="utf-8") == "mine\n"
    assert (target / ".git").is_dir()


def test_places_and_templates_that_do_not_work(sampan: Sampan, releases: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    (tmp_path / "empty").mkdir()
    git("init", "-q", cwd=tmp_path / "empty")
    before = sorted(tmp_path.iterdir())
    for arguments, words in (
        (("new", tmp_path / "file", "--defaults"), "is a file: choose a folder"),
        (("new", tmp_path / "file/project", "--defaults"), "is a file: choose a path whose parent is a folder"),
        (("new", tmp_path / "project"), "Questions need a terminal: add --defaults"),
        (("new", tmp_path / "project", "--defaults", "--template", tmp_path / "none"), "cannot be read: "),
        (("new", tmp_path / "project", "--defaults", "--template", f"file://{tmp_path}/none"), "cannot be read: "),
        (("new", tmp_path / "project", "--defaults", "--template", releases, "--ref", "v9"), "has no version v9."),
        (("new", tmp_path / "project", "--defaults", "--template", tmp_path / "empty"), "is not a Copier template"),
    ):
        outcome = sampan(*arguments)
        assert outcome.code == 2, arguments
        [line] = outcome.err.splitlines()
        assert words in line
    assert sorted(tmp_path.iterdir()) == before


def test_credentials_in_the_templates_url_are_stored_and_shown_nowhere(
    sampan: Sampan, releases: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = "https://bot:s3cr%t@git.example.com/platform/sampan.git"
    target, template = tmp_path / "project", ("--defaults", "--template", url)
    redirected = {"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": f"url.{releases}.insteadOf", "GIT_CONFIG_VALUE_0": url}
    for name, value in redirected.items():
        monkeypatch.setenv(name, value)
    with plumbum.local.env(**redirected):  # Copier's git has the variables of the time when Copier was imported
        shown = [sampan("new", target, *template, *more) for more in (("--ref", "v9"), ())]
    assert [outcome.code for outcome in shown] == [2, 0]
    assert "s3cr" not in "".join(outcome.out + outcome.err for outcome in shown)
    assert "_src_path: https://git.example.com/platform/sampan.git\n" in (target / ".copier-answers.yml").read_text(encoding="utf-8")
    assert not [path for path, content in files_of(target).items() if b"s3cr" in content]
    assert fleet.Repository("https://token@git.example.com", "").name == "https/git.example.com"


def test_a_person_answers_in_a_terminal(releases: Path, tmp_path: Path) -> None:
    command = [*COMMAND, "new", "order-desk", "--template", str(releases), "-d", "github_owner=acme"]
    with Terminal(command, tmp_path, ENVIRONMENT) as terminal:
        for words in ("Display name of the project", "Name of the service"):
            terminal.expect(words)
            terminal.send(ENTER)
        terminal.expect("Starting point")
        terminal.send(f"{DOWN}{ENTER}")
        for words in ("AWS region", "own network and cluster", "Availability Zones", "Instance type of the nodes", "spot nodes"):
            terminal.expect(words)
            terminal.send(ENTER)
        for words in ("Instance class of PostgreSQL", "Node type of the cache"):
            terminal.expect(words)
            terminal.send(ENTER)
        terminal.expect("Host name in production")
        terminal.send(ENTER)
        terminal.expect("write a host such as api.example.com")
        terminal.send(f"shop.example.com{ENTER}")
        terminal.expect("3 to 10 m7g.large")
        terminal.expect("Write the project?")
        terminal.send(ENTER)
        assert terminal.end() == 0
    assert "Next:" in terminal.text
    answers = stored(tmp_path / "order-desk")
    assert (answers["project_name"], answers["service"]) == ("Order Desk", "order-desk")
    assert (answers["profile"], answers["domain"]) == ("production", "shop.example.com")


def test_ctrl_c_at_a_question_leaves_nothing_behind(releases: Path, tmp_path: Path) -> None:
    with Terminal([*COMMAND, "new", "shop", "--template", str(releases)], tmp_path, ENVIRONMENT) as terminal:
        terminal.expect("Display name")
        terminal.send(CTRL_C)
        code = terminal.end()
    assert code == 130, terminal.text
    assert "Traceback" not in terminal.text
    assert list(tmp_path.iterdir()) == []


def test_an_interrupt_while_rendering_leaves_nothing_behind(releases: Path, tmp_path: Path) -> None:
    command = [*COMMAND, "new", str(tmp_path / "shop"), "--defaults", "--template", str(releases)]
    process = subprocess.Popen(command, env={**os.environ, **ENVIRONMENT}, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + TIMEOUT
    while process.poll() is None and not list(tmp_path.glob(".sampan-*")):
        assert time.monotonic() < deadline
        time.sleep(0.005)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=TIMEOUT)
    assert "Traceback" not in errors
    assert process.returncode == 130, errors
    assert list(tmp_path.iterdir()) == []
