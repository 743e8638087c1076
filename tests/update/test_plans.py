"""An update that changes one answer changes that in the plan, and nothing else."""

from pathlib import Path
from typing import Any

import copier
import pytest

from tests.harness import commit_all, copy_template, fast_copier
from tests.infrastructure.conftest import aws  # noqa: F401  a fixture
from tests.infrastructure.emulator import Emulator
from tests.infrastructure.terraform import Plan, Planner
from tests.infrastructure.variants import VARIANTS, Case
from tests.update.gate import git_identity
from tests.update.test_update import release

PRODUCTION = Case("startup", "service", "production")


def planned(emulator: Emulator, folder: Path, project: Path) -> Plan:
    """The present plan of the project."""
    planner = Planner(emulator, folder)
    try:
        planner.start(PRODUCTION, project)
        return planner(PRODUCTION)
    finally:
        planner.pool.shutdown()


def differences(before: Plan, after: Plan) -> dict[str, dict[str, tuple[Any, Any]]]:
    """The attributes whose planned values differ, by resource: what was planned, and what is."""
    old, new = ({change["address"]: change["change"] for change in plan.document["resource_changes"]} for plan in (before, after))
    assert old.keys() == new.keys()
    found = {}
    for address in old:
        values, others = old[address]["after"] or {}, new[address]["after"] or {}
        changed = {name: (values.get(name), others.get(name)) for name in values | others if values.get(name) != others.get(name)}
        if changed:
            found[address] = changed
    return found


@pytest.mark.slow
def test_an_updated_answer_changes_exactly_that_in_the_plan(aws: Emulator, tmp_path: Path) -> None:  # noqa: F811  the fixture
    source = copy_template(tmp_path / "template")
    release(source, "v1.0.0")
    project = tmp_path / "project"
    with fast_copier():
        copier.run_copy(str(source), project, data=VARIANTS["startup"], vcs_ref="v1.0.0", defaults=True, quiet=True)
    commit_all(project, "Start")
    before = planned(aws, tmp_path / "before", project)
    with git_identity(), fast_copier():
        copier.run_update(project, data={"db_instance_class": "db.t4g.medium"}, vcs_ref="v1.0.0", defaults=True, quiet=True, overwrite=True)
    after = planned(aws, tmp_path / "after", project)

    found = differences(before, after)
    assert found.pop("module.database.aws_db_instance.this") == {"instance_class": ("db.t3.micro", "db.t4g.medium")}
    # Two alarms depend on the memory of the instance class. Nothing else differs.
    assert {address.partition('"')[2].rstrip('"]') for address in found} == {"database-connections", "database-memory"}
    for changed in found.values():
        assert list(changed) == ["threshold"]
        assert changed["threshold"][0] < changed["threshold"][1]
