"""The drills of rows R2 and R3: what they measure, what they ask of AWS, and when they fail."""

import importlib
import itertools
import sys
import types
from collections.abc import Callable
from typing import Any

import pytest

from tests.harness import Renderer
from tests.infrastructure.emulator import Emulator

REGION = "ap-southeast-1"
LOGIN = {"MasterUsername": "m", "MasterUserPassword": "p" * 12}
NUMBERS = itertools.count()
SMALL = {"Engine": "postgres", "DBInstanceClass": "db.t3.micro", "AllocatedStorage": 20, "PubliclyAccessible": False, **LOGIN}


@pytest.fixture
def load(render: Renderer, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Any]:
    """Modules of the rendered project's drills. Their driver is not among this suite's own: nothing here talks to a database."""
    project = render({})
    driver = types.ModuleType("asyncpg")
    driver.PostgresError = driver.InterfaceError = type("PostgresError", (Exception,), {})  # type: ignore[attr-defined]  # a stub
    monkeypatch.setitem(sys.modules, "asyncpg", driver)
    monkeypatch.syspath_prepend(str(project / "ops/src"))
    for name in [name for name in sys.modules if name.partition(".")[0] == "ops"]:
        monkeypatch.delitem(sys.modules, name)
    return importlib.import_module


class Rows:
    """A database that is away between two moments and has lost the chosen rows."""

    def __init__(self, clock: "Clock", away: tuple[float, float] = (0, 0), lost: int = 0) -> None:
        self.clock, self.away, self.lost = clock, away, lost
        self.kept: list[int] = []
        self.cleared = False

    def prepare(self) -> None:
        self.kept = []

    def write(self, number: int) -> None:
        if self.away[0] <= self.clock.seconds < self.away[1]:
            raise ConnectionRefusedError
        self.kept.append(number)

    def numbers(self) -> set[int]:
        return set(self.kept[self.lost :])

    def clear(self) -> None:
        self.cleared = True


class Clock:
    """A clock that the drill itself moves."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def now(self) -> float:
        return self.seconds

    def sleep(self, seconds: float) -> None:
        self.seconds += seconds


@pytest.mark.parametrize(
    ("away", "lost", "rto", "verdict"),
    [
        ((0, 0), 0, 0, "held"),
        ((12, 102), 0, 90, "held"),
        ((30, 331), 0, 301, "broken"),
        ((12, 40), 59, 28, "held"),
        ((12, 40), 60, 28, "broken"),
    ],
)
def test_a_failover_is_measured_and_held_to_both_promises(
    away: tuple[float, float], lost: int, rto: float, verdict: str, load: Callable[[str], Any]
) -> None:
    failover, clock, asked = load("ops.drills.failover"), Clock(), []
    rows = Rows(clock, away, lost)
    outcome = failover.measure(rows, lambda: asked.append(clock.seconds), failover.Clock(clock.now, clock.sleep))
    assert (outcome.rto, outcome.lost, outcome.held) == (rto, lost, verdict == "held")
    assert asked == [failover.BEFORE_SECONDS]
    assert rows.cleared


def test_two_outages_add_up(load: Callable[[str], Any], monkeypatch: pytest.MonkeyPatch) -> None:
    failover, clock = load("ops.drills.failover"), Clock()
    rows = Rows(clock, (20, 30))
    write = rows.write

    def twice(number: int) -> None:
        if 40 <= clock.seconds < 60:
            raise ConnectionResetError
        write(number)

    monkeypatch.setattr(rows, "write", twice)
    assert failover.measure(rows, lambda: None, failover.Clock(clock.now, clock.sleep)).rto == 30


def test_a_database_that_never_comes_back_ends_the_drill(load: Callable[[str], Any]) -> None:
    failover, clock = load("ops.drills.failover"), Clock()
    with pytest.raises(failover.OpsError, match="has not answered for 1800 seconds"):
        failover.measure(Rows(clock, (12, 10**9)), lambda: None, failover.Clock(clock.now, clock.sleep))


@pytest.mark.parametrize("standby", ["standby", ""])
def test_a_failover_needs_a_standby(standby: str, aws: Emulator, load: Callable[[str], Any]) -> None:
    failover, rds = load("ops.drills.failover"), aws.client("rds", REGION)
    name = f"drilled{standby}"
    rds.create_db_instance(DBInstanceIdentifier=name, MultiAZ=bool(standby), **SMALL)
    if standby:
        failover.reboot(rds, name)
    else:
        with pytest.raises(failover.OpsError, match="no standby"):
            failover.reboot(rds, name)
    rds.delete_db_instance(DBInstanceIdentifier=name, SkipFinalSnapshot=True)


def test_the_wrong_name_fails_nothing_over(load: Callable[[str], Any], render: Renderer, monkeypatch: pytest.MonkeyPatch) -> None:
    failover = load("ops.drills.failover")
    monkeypatch.chdir(render({}))
    monkeypatch.setattr(failover.boto3, "client", lambda *_, **__: pytest.fail("it asked AWS"))
    url = "postgresql://migrations@127.0.0.1/app"
    assert load("ops.cli").main(["drill", "failover", "production", "--yes", "production", "--database-url", url]) == 1


class Database:
    """Row counts of the old database and of the restored one."""

    def __init__(self, before: dict[str, int], after: dict[str, int]) -> None:
        self.before, self.after = before, after
        self.hosts: list[str] = []

    def counts(self) -> dict[str, int]:
        return self.before

    def elsewhere(self, host: str) -> "Database":
        self.hosts.append(host)
        return Database(self.after, {})


@pytest.mark.parametrize(
    ("after", "status"), [({"users": 100, "tasks": 990}, 0), ({"users": 100, "tasks": 900}, 1), ({"users": 100}, 1), ({}, 1)]
)
@pytest.mark.parametrize("keep", ["keep", ""])
def test_a_restore_compares_counts_and_leaves_nothing_unless_told_to(
    after: dict[str, int], status: int, keep: str, aws: Emulator, load: Callable[[str], Any]
) -> None:
    restore, rds = load("ops.drills.restore"), aws.client("rds", REGION)
    source = f"restored-{next(NUMBERS)}"
    ec2 = aws.client("ec2", REGION)
    subnets = [subnet["SubnetId"] for subnet in ec2.describe_subnets()["Subnets"]][:2]
    rds.create_db_subnet_group(DBSubnetGroupName=source, DBSubnetGroupDescription="d", SubnetIds=subnets)
    rds.create_db_instance(DBInstanceIdentifier=source, DBSubnetGroupName=source, BackupRetentionPeriod=7, **SMALL)
    database = Database({"users": 100, "tasks": 1000}, after)
    assert restore.drill(rds, database, source, None, keep=bool(keep)) == status
    made = [i for i in rds.describe_db_instances()["DBInstances"] if i["DBInstanceIdentifier"].startswith(f"{source}-restore-")]
    assert len(made) == bool(keep)
    assert len(database.hosts) == 1
    for instance in made:
        assert instance["DBSubnetGroup"]["DBSubnetGroupName"] == source
        rds.delete_db_instance(DBInstanceIdentifier=instance["DBInstanceIdentifier"], SkipFinalSnapshot=True)
    rds.delete_db_instance(DBInstanceIdentifier=source, SkipFinalSnapshot=True)


def test_a_restore_with_nothing_to_compare_is_none(aws: Emulator, load: Callable[[str], Any]) -> None:
    restore = load("ops.drills.restore")
    with pytest.raises(restore.OpsError, match="has no tables"):
        restore.drill(aws.client("rds", REGION), Database({}, {}), "empty", None, keep=False)
