"""Redis and PostgreSQL fail and recover: callers get problems, the service recovers too, nothing is lost."""

import os
import signal
import threading
import time

import asyncpg
import pytest

from tests.faults.load import under_load
from tests.faults.recovery import check_recovery
from tests.faults.stack import Stack
from tests.waiting import until

pytestmark = pytest.mark.faults


def test_redis_is_killed_and_comes_back_empty(stack: Stack) -> None:
    with under_load(stack) as load:
        os.kill(stack.valkey.pid, signal.SIGKILL)
        until(lambda: not stack.valkey.alive(), "Valkey is gone")
        before = len(load.answers)
        time.sleep(3)
        assert len(load.answers) > before, "the service serves without Redis"
        stack.valkey.start()
        check_recovery(load, stack.redis_answers)
    load.check_answers()
    load.check_effects()


def test_redis_is_paused(stack: Stack) -> None:
    with under_load(stack) as load:
        os.kill(stack.valkey.pid, signal.SIGSTOP)
        before = len(load.answers)
        try:
            time.sleep(5)
            assert len(load.answers) > before, "the service serves without Redis"
        finally:
            os.kill(stack.valkey.pid, signal.SIGCONT)
        check_recovery(load, stack.redis_answers)
    load.check_answers()
    load.check_effects()


def test_postgresql_is_killed_and_comes_back(stack: Stack) -> None:
    with under_load(stack) as load:
        os.kill(stack.postgresql.pid, signal.SIGKILL)
        until(lambda: not stack.postgresql.alive(), "PostgreSQL is gone")
        until(lambda: any(answer.status == 503 for answer in load.answers), "callers are told")
        time.sleep(2)
        stack.postgresql.start()
        check_recovery(load, stack.database_answers)
    load.check_answers()
    load.check_effects()


def test_a_table_is_locked(stack: Stack) -> None:
    with under_load(stack) as load:
        with locked(stack, "probes"):
            until(lambda: any(answer.status == 503 for answer in load.answers), "callers are told")
            time.sleep(2)
        check_recovery(load, stack.database_answers)
    load.check_answers()
    load.check_effects()


def test_statements_are_slow(stack: Stack) -> None:
    slow = "CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep(30); RETURN NEW; END'"
    stack.sql(slow)
    with under_load(stack) as load:
        stack.sql("CREATE TRIGGER slow BEFORE INSERT ON probes FOR EACH ROW EXECUTE FUNCTION slow()")
        until(lambda: any(answer.status == 503 for answer in load.answers), "callers are told")
        time.sleep(3)
        until(lambda: dropped(stack), "statements are quick again")
        check_recovery(load, stack.database_answers)
    load.check_answers()
    load.check_effects()


def dropped(stack: Stack) -> bool:
    """Return whether the trigger could be removed. Its table is busy, and callers must not wait long behind this."""
    try:
        stack.sql("SET lock_timeout = '1s'")
        stack.sql("DROP FUNCTION slow CASCADE")
    except asyncpg.PostgresError:
        return False
    return True


class locked:  # noqa: N801  reads as the block that it is
    """Lock a table inside the block, on a separate connection."""

    def __init__(self, stack: Stack, table: str) -> None:
        self._stack, self._table = stack, table
        self._thread = threading.Thread(target=self._hold)

    def __enter__(self) -> None:
        self._thread.start()
        until(
            lambda: self._stack.sql("SELECT 1 FROM pg_locks WHERE mode = 'AccessExclusiveLock' AND granted") != [], ""
        )

    def __exit__(self, *_error: object) -> None:
        self._thread.join()

    def _hold(self) -> None:
        self._stack.sql(f"DO 'BEGIN LOCK TABLE {self._table}; PERFORM pg_sleep(8); END'")
