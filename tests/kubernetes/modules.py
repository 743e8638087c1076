"""Modules of a rendered project's `ops`, imported into the process of a test."""

import importlib
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import ModuleType

import pytest


def ops_module(project: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """Import a module of the project, not the one of a project that another test has imported."""
    monkeypatch.syspath_prepend(str(project / "ops/src"))
    for module in [module for module in sys.modules if module.partition(".")[0] == "ops"]:
        monkeypatch.delitem(sys.modules, module)
    return importlib.import_module(name)


def let_sleeping_pass_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the clock of `ops` move only when something sleeps. Call it after `ops_module`."""
    present = [datetime(2026, 1, 2, tzinfo=UTC)]
    monkeypatch.setattr("ops.clock.now", lambda: present[0])
    monkeypatch.setattr("ops.clock.sleep", lambda seconds: present.append(present.pop() + timedelta(seconds=seconds)))
