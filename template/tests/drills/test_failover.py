"""The failover drill on a real PostgreSQL: the server stops, and both figures are calculated from the rows.

The drill runs sixty times as fast here.
"""

import shutil
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.dev.servers import PostgresqlServer
from ops.drills import failover
from ops.drills.rows import Database

FASTER = 60
OUTAGE_SECONDS = 15
"""How long the server is away, in seconds of the drill."""


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("failover") / "data"


@pytest.fixture(scope="module")
def server(data: Path) -> Iterator[PostgresqlServer]:
    server = PostgresqlServer(data, "app", durable=True)
    server.start()
    yield server
    server.stop()


class Outage:
    """Stops the server when the drill asks for a failover, and starts it again after a while."""

    def __init__(self, server: PostgresqlServer) -> None:
        self.server = server
        self.seconds = 0.0

    def __call__(self) -> None:
        self.server.stop()
        self.before_start()
        threading.Thread(target=self._start, args=(time.monotonic(),)).start()

    def before_start(self) -> None:
        """Leave the data unchanged."""

    def _start(self, stopped: float) -> None:
        time.sleep(OUTAGE_SECONDS / FASTER)
        self.server.start()
        self.seconds = (time.monotonic() - stopped) * FASTER


class OlderData(Outage):
    """The server recovers with the data from before the drill's first row."""

    def __init__(self, server: PostgresqlServer, data: Path, rows: Database) -> None:
        super().__init__(server)
        self.data, self.copy, self.rows = data, data.with_name("copy"), rows
        self.acknowledged = 0
        self._prepare = rows.prepare
        rows.prepare = self.prepare  # type: ignore[method-assign]  # the moment between the table and its first row

    def prepare(self) -> None:
        self._prepare()
        self.server.stop()
        copy(self.data, self.copy)
        self.server.start()

    def __call__(self) -> None:
        self.acknowledged = len(self.rows.numbers())
        super().__call__()

    def before_start(self) -> None:
        shutil.rmtree(self.data)
        copy(self.copy, self.data)


def copy(source: Path, target: Path) -> None:
    """Copy a folder with its owners: the server does not run as root, even if the tests do."""
    subprocess.run(["cp", "-a", source, target], check=True)


def clock() -> failover.Clock:
    return failover.Clock(lambda: time.monotonic() * FASTER, lambda seconds: time.sleep(seconds / FASTER))


def test_an_outage_is_measured_by_the_rows_that_were_refused(server: PostgresqlServer) -> None:
    rows, outage = Database(server.address), Outage(server)
    outcome = failover.measure(rows, outage, clock())
    assert OUTAGE_SECONDS / 2 < outcome.rto <= outage.seconds + FASTER
    assert (outcome.lost, outcome.held) == (0, True)
    assert "public.failover_drill" not in rows.counts()


def test_rows_that_were_acknowledged_and_are_gone_are_counted(server: PostgresqlServer, data: Path) -> None:
    rows = Database(server.address)
    outage = OlderData(server, data, rows)
    outcome = failover.measure(rows, outage, clock())
    assert outcome.lost == outage.acknowledged > 0
    assert outcome.rto > 0


def test_counts_come_from_the_tables_themselves(server: PostgresqlServer) -> None:
    rows = Database(server.address)
    rows.prepare()
    for number in (1, 2, 2, 3):
        rows.write(number)
    assert rows.counts() == {"public.failover_drill": 3}
    assert rows.numbers() == {1, 2, 3}
