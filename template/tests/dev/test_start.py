"""`app dev` that cannot start."""

import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.cli import main


@pytest.fixture
def own_process(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Restore the environment and the signal handlers, which `app dev` sets for its process."""
    monkeypatch.setattr(os, "environ", os.environ.copy())
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = [signal.getsignal(number) for number in numbers]
    yield
    for number, handler in zip(numbers, before, strict=True):
        signal.signal(number, handler)


@pytest.mark.usefixtures("own_process")
def test_a_database_out_of_reach_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(os.environ, "DATABASE_URL", "postgresql://nobody@127.0.0.1:1/none")
    monkeypatch.setitem(os.environ, "REDIS_URL", "redis://127.0.0.1:1/0")
    monkeypatch.setattr(sys, "argv", ["app", "dev", "--port", "0", "--data", str(tmp_path)])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 1
    [line] = capsys.readouterr().err.splitlines()
    assert line.startswith("PostgreSQL does not answer: ")
