"""`app revision` and `app alembic`: migrations are written and joined in the folder of their feature."""

import shutil
from collections.abc import Iterable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from app.cli import cli
from app.composition import feature_packages
from app.migrations import revisions, runner
from app.migrations.failure import MigrationError
from app.migrations.revisions import Revisions, version_folders
from app.migrations.runner import upgrade
from app.settings import Settings
from tests.migrations.fixtures import sql, tables


@pytest.fixture
def project(tmp_path: Path, empty: Settings, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of all migrations, which the commands read and write, beside an empty database."""
    for folder in version_folders():
        if folder.exists():
            shutil.copytree(folder, tmp_path / folder.parent.name / folder.name)

    def copied(features: Iterable[str] | None = None) -> list[Path]:
        return [tmp_path / name / "migrations" for name in (feature_packages() if features is None else features)]

    for module in (revisions, runner):
        monkeypatch.setattr(module, "version_folders", copied)
    monkeypatch.setenv("DATABASE_URL", empty.database_address())
    return tmp_path


def run(*arguments: str) -> None:
    CliRunner().invoke(cli, arguments, catch_exceptions=False)


def written(project: Path) -> list[str]:
    """Return the migrations of tasks that a command wrote."""
    files = (project / "tasks/migrations").glob("*.py")
    return [file.read_text(encoding="utf-8") for file in files if file.name != "tasks_0001_tables.py"]


def test_a_migration_of_a_feature_has_what_its_models_have_and_the_database_lacks(
    project: Path, empty: Settings
) -> None:
    upgrade(empty)
    sql(empty, "ALTER TABLE tasks DROP COLUMN request_id")
    sql(empty, "CREATE TABLE of_nobody (id int)")
    run("revision", "tasks", "Add the request")
    [text] = written(project)
    assert 'down_revision = "tasks_0001"' in text
    assert 'op.add_column("tasks", sa.Column("request_id"' in text
    assert "of_nobody" not in text
    upgrade(empty)


def test_a_migration_has_nothing_of_other_features(project: Path, empty: Settings) -> None:
    for folder in project.glob("*/migrations"):
        if folder.parent.name != "tasks":
            shutil.rmtree(folder)
    upgrade(empty)
    run("revision", "tasks", "Add nothing")
    [text] = written(project)
    assert text.count("    pass\n") == 2


def test_the_first_migration_of_a_feature_begins_a_branch(project: Path, empty: Settings) -> None:
    shutil.rmtree(project / "tasks/migrations")
    upgrade(empty)
    run("revision", "tasks", "Create tasks")
    [text] = written(project)
    assert 'branch_labels = ("tasks",)' in text
    assert "down_revision = None" in text
    upgrade(empty)
    assert tables(empty) >= {"tasks", "sent_mails"}


def test_alembic_runs_on_the_migrations_of_all_features(project: Path, empty: Settings) -> None:
    first, second = ((project / "tasks/migrations" / f"tasks_{name}.py") for name in ("a", "b"))
    for file in (first, second):
        lines = f'revision = "{file.stem}"\ndown_revision = "tasks_0001"\n\n\ndef upgrade():\n    """Do nothing."""\n'
        file.write_text(lines, encoding="utf-8")
    with pytest.raises(MigrationError, match="two heads"):
        upgrade(empty)
    run("alembic", "merge", "-m", "Join", "tasks_a", "tasks_b")
    Revisions.read().check_heads()
    upgrade(empty)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("revision", "nothing", "Add"), "there is no feature nothing; the features are "),
        (("revision", "tasks", "Add"), "not up to date. Run `app migrate` first"),
        (("alembic", "downgrade", "nowhere"), "app alembic history"),
    ],
)
def test_a_refusal_is_one_line(project: Path, arguments: tuple[str, ...], words: str) -> None:
    with pytest.raises(MigrationError, match=words) as told:
        run(*arguments)
    assert "\n" not in str(told.value)


def test_a_feature_with_a_long_name_has_no_revisions(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runner, "feature_packages", lambda: ["a" * 26])
    with pytest.raises(MigrationError, match="25 letters fit"):
        run("revision", "a" * 26, "Add")
