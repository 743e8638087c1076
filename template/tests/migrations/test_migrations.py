"""Migrations: complete, reversible, a branch for each feature."""

import asyncio
import threading
from contextlib import nullcontext
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from app.composition import feature_packages
from app.dev import supervisor
from app.doctor import part_faults
from app.kit.database import Database, Model
from app.migrations.failure import MigrationError
from app.migrations.revisions import Revisions, version_folders
from app.migrations.runner import alembic_config, downgrade, upgrade
from app.settings import Settings
from tests.migrations.fixtures import missing, recorded, sql, tables


def differences(connection: Connection) -> list[object]:
    return list(compare_metadata(MigrationContext.configure(connection), Model.metadata))


MIGRATION = """import sqlalchemy as sa
from alembic import op

revision = {revision!r}
down_revision = {follows!r}
branch_labels = {labels!r}
depends_on = {needs!r}


def upgrade() -> None:
    op.create_table({revision!r}, sa.Column("id", sa.Integer(), primary_key=True))


def downgrade() -> None:
    op.drop_table({revision!r})
"""


def add(folder: Path, revision: str, follows: str | None = None, needs: str | None = None) -> Path:
    """Write a migration that creates a table of the revision's name. Returns its folder."""
    folder.mkdir(parents=True, exist_ok=True)
    labels = None if follows else (revision.rpartition("_")[0],)
    content = MIGRATION.format(revision=revision, follows=follows, needs=needs, labels=labels)
    (folder / f"{revision}.py").write_text(content, encoding="utf-8")
    return folder


WITH_MIGRATIONS = [name for name in feature_packages() if version_folders([name])[0].exists()]


def without(feature: str) -> list[Path]:
    return version_folders(name for name in feature_packages() if name != feature)


def _ids(given: object) -> tuple[object, ...]:
    return tuple(given) if isinstance(given, list | tuple) else (given,) if given else ()


def test_each_feature_has_one_head_and_a_branch_of_its_name() -> None:
    scripts = ScriptDirectory.from_config(alembic_config())
    heads = {head: script.branch_labels for head in scripts.get_heads() if (script := scripts.get_revision(head))}
    assert heads.keys() == Revisions.read().heads()
    assert sorted(label for labels in heads.values() for label in labels) == WITH_MIGRATIONS


def test_the_start_up_check_reads_the_files_as_alembic_does(tmp_path: Path) -> None:
    """With a revision that depends on one of another branch, too."""
    own = add(tmp_path / "made_up/migrations", "made_up_0001", needs="tasks_0001")
    folders = [*version_folders(), add(own, "made_up_0002", "made_up_0001")]
    scripts = ScriptDirectory.from_config(alembic_config(folders=folders)).walk_revisions()
    assert {name: (one.follows, one.needs) for name, one in Revisions.read(folders).by_id.items()} == {
        script.revision: (_ids(script.down_revision), _ids(script.dependencies)) for script in scripts
    }


def test_up_down_and_up_again(empty: Settings) -> None:
    upgrade(empty)
    assert tables(empty) >= set(Model.metadata.tables)
    downgrade(empty, "base")
    assert tables(empty) == {"alembic_version"}
    upgrade(empty)
    assert tables(empty) >= set(Model.metadata.tables)


@pytest.mark.parametrize("feature", WITH_MIGRATIONS)
def test_the_migrations_of_a_feature_need_no_other_feature(empty: Settings, feature: str) -> None:
    """A feature is deleted or added later: the others go up and down without it."""
    upgrade(empty, folders=without(feature))
    upgrade(empty)
    assert tables(empty) >= set(Model.metadata.tables)
    downgrade(empty, f"{feature}@base")
    upgrade(empty, folders=without(feature))
    downgrade(empty, "base", folders=without(feature))
    assert tables(empty) == {"alembic_version"}


def test_a_migration_of_the_project_and_a_later_one_of_the_template_are_both_applied(
    empty: Settings, tmp_path: Path
) -> None:
    own = add(tmp_path / "made_up/migrations", "made_up_0001", needs="tasks_0001")
    upgrade(empty, folders=[*version_folders(), own])
    later = add(tmp_path / "tasks/migrations", "tasks_0002", "tasks_0001")
    upgrade(empty, folders=[*version_folders(), own, later])
    assert tables(empty) >= {"made_up_0001", "tasks_0002"}
    assert recorded(empty) >= {"made_up_0001", "tasks_0002"}
    downgrade(empty, "base", folders=[*version_folders(), own, later])
    assert tables(empty) == {"alembic_version"}


def test_two_heads_of_one_branch_are_refused_with_the_command_that_joins_them(empty: Settings, tmp_path: Path) -> None:
    """The project's migration follows one of the template, which then adds another one there."""
    own = add(tmp_path / "made_up/migrations", "made_up_0001", "tasks_0001")
    upgrade(empty, folders=[*version_folders(), own])
    folders = [*version_folders(), own, add(tmp_path / "tasks/migrations", "tasks_0002", "tasks_0001")]
    with pytest.raises(
        MigrationError, match=r"two heads.*`app alembic merge -m \"Join\" made_up_0001 tasks_0002`"
    ) as told:
        upgrade(empty, folders=folders)
    assert "\n" not in str(told.value)
    command.merge(alembic_config(empty, folders=folders), ["made_up_0001", "tasks_0002"], message="Join")
    upgrade(empty, folders=folders)
    assert tables(empty) >= {"made_up_0001", "tasks_0002"}
    assert missing(empty) == set()


@pytest.mark.parametrize(("follows", "needs"), [("gone_0001", None), (None, "gone_0001")])
def test_a_revision_that_is_not_there_is_named(
    empty: Settings, tmp_path: Path, follows: str | None, needs: str | None
) -> None:
    own = add(tmp_path / "made_up/migrations", "made_up_0001", follows, needs)
    with pytest.raises(MigrationError, match=r"made_up_0001.py: .* is gone_0001, which no feature of this code has"):
        upgrade(empty, folders=[*version_folders(), own])


def test_two_files_with_one_revision_are_named(empty: Settings, tmp_path: Path) -> None:
    own = add(tmp_path / "made_up/migrations", "tasks_0001")
    with pytest.raises(MigrationError, match=r"tasks_0001_tables.py and .*tasks_0001.py have the same revision"):
        upgrade(empty, folders=[*version_folders(), own])


def test_the_models_hold_nothing_that_migrations_lack(empty: Settings) -> None:
    upgrade(empty)

    async def compare() -> list[object]:
        database = Database(empty)
        async with database.engine.connect() as connection:
            found = await connection.run_sync(differences)
        await database.close()
        return found

    assert asyncio.run(compare()) == []


def test_an_empty_database_misses_the_heads_and_a_newer_one_misses_nothing(empty: Settings) -> None:
    assert missing(empty) == Revisions.read().heads()
    upgrade(empty)
    assert missing(empty) == set()
    sql(empty, "UPDATE alembic_version SET version_num = '9999' WHERE version_num = 'tasks_0001'")
    assert missing(empty) == set()


def test_after_a_rollback_the_older_release_misses_nothing_of_the_newer_features(
    empty: Settings, tmp_path: Path
) -> None:
    upgrade(empty)
    sql(empty, "UPDATE alembic_version SET version_num = 'tasks_0002' WHERE version_num = 'tasks_0001'")
    sql(empty, "INSERT INTO alembic_version VALUES ('made_up_0001')")
    assert missing(empty) == set()
    other = add(tmp_path / "another/migrations", "another_0001")
    assert Revisions.read([*version_folders(), other]).missing(recorded(empty)) == {"another_0001"}


def test_a_revision_of_a_newer_release_is_refused_in_a_line(empty: Settings) -> None:
    upgrade(empty)
    sql(empty, "UPDATE alembic_version SET version_num = 'tasks_0002' WHERE version_num = 'tasks_0001'")
    with pytest.raises(MigrationError, match="the database has tasks_0002, which this code lacks; deploy the release"):
        upgrade(empty)


@pytest.mark.parametrize("depends", [False, True], ids=["alone", "depends on another"])
def test_a_removed_feature_is_named_forgotten_and_added_again(empty: Settings, tmp_path: Path, depends: bool) -> None:
    own = add(tmp_path / "made_up/migrations", "made_up_0001", needs="tasks_0001" if depends else None)
    folders = [*version_folders(), own]
    upgrade(empty, folders=folders)

    with pytest.raises(
        MigrationError, match=r"made_up_0001, of no feature.*--forget made_up_0001`.*\(made_up_0001\)"
    ) as told:
        upgrade(empty)
    assert part_faults(empty) == [f"database: {told.value}"]
    assert missing(empty) == set()  # the service starts, because its own tables exist

    upgrade(empty, folders=folders)  # the feature was enabled again
    for _ in range(2):  # the deployment is repeated
        upgrade(empty, forget=["made_up_0001"])
    assert part_faults(empty) == []
    assert "made_up_0001" in tables(empty)

    with pytest.raises(MigrationError, match=r'"made_up_0001" already exists.*`app alembic stamp FEATURE@head`'):
        upgrade(empty, folders=folders)
    command.stamp(alembic_config(empty, folders=folders), "made_up@head")
    upgrade(empty, folders=folders)
    sql(empty, "DELETE FROM alembic_version WHERE version_num = 'made_up_0001'")
    sql(empty, "DROP TABLE made_up_0001")
    upgrade(empty, folders=folders)
    assert "made_up_0001" in tables(empty)


class Terminal(threading.Event):
    """Another terminal: while `app dev` waits, somebody runs `app migrate --forget`."""

    def __init__(self, settings: Settings, *, stop: bool) -> None:
        super().__init__()
        self.settings, self.stop = settings, stop

    def wait(self, timeout: float | None = None) -> bool:
        assert timeout
        if self.stop:
            self.set()
        else:
            upgrade(self.settings, forget=["made_up_0001"])
        return self.stop


@pytest.mark.parametrize("stop", [False, True], ids=["forgotten", "stopped"])
def test_app_dev_keeps_its_database_up_until_a_removed_feature_is_forgotten(
    empty: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str], stop: bool
) -> None:
    """`app migrate --forget`, which the message names, needs the database, and only `app dev` runs it."""
    upgrade(empty, folders=[*version_folders(), add(tmp_path / "made_up/migrations", "made_up_0001")])
    assert supervisor._migrated(empty, Terminal(empty, stop=stop), own=True) is not stop
    told = capsys.readouterr().err
    assert "`app migrate --forget made_up_0001`" in told
    assert "in another terminal" in told
    with pytest.raises(MigrationError) if stop else nullcontext():
        upgrade(empty)


def test_a_revision_of_a_feature_that_is_here_is_not_forgotten(empty: Settings) -> None:
    with pytest.raises(MigrationError, match="tasks_0001 is a revision of tasks, which this code has"):
        upgrade(empty, forget=["tasks_0001"])


def test_an_unknown_target_is_told(empty: Settings) -> None:
    with pytest.raises(MigrationError, match="app alembic history"):
        upgrade(empty, "nowhere")
