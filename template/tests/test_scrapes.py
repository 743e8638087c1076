"""Scrapes of fresh processes: every metric of the reference is there, with every series, before anything counted."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path

import pytest
from prometheus_client.metrics_core import Metric
from prometheus_client.parser import text_string_to_metric_families

import app
from app.composition import discover
from app.dev.services import free_port
from app.settings import Settings
from app.tasks.metrics import UNKNOWN
from tests.conftest import ROOT
from tests.waiting import await_answer

REFERENCE = ROOT / "docs/reference/metrics.md"

# Metrics of modules that the API does not import.
WORKER_ALONE = {"jobs_dropped_total"}

Scrape = Mapping[str, Metric]


def rows() -> dict[str, list[str]]:
    """The reference's rows by metric: type, labels, statistics, meaning."""
    lines = re.findall(r"^\| `([a-z_]+)` \|(.+)\|$", REFERENCE.read_text(encoding="utf-8"), re.MULTILINE)
    return {name: [cell.strip() for cell in cells.split("|", 3)] for name, cells in lines}


def own(text: str) -> Scrape:
    """The application's families by the reference's names: not those of Python and of the process."""
    found = {}
    for family in text_string_to_metric_families(text):
        if not family.name.startswith(("python_", "process_")) and not family.name.endswith("_created"):
            found[f"{family.name}_total" if family.type == "counter" else family.name] = family
    return found


@pytest.fixture(scope="module")
def scrapes(settings: Settings) -> Iterator[Mapping[str, Scrape]]:
    """The first scrapes of an API and of a worker."""
    ports = {"api": free_port(), "worker": free_port()}
    with ExitStack() as stack:
        processes = {}
        for half, port in ports.items():
            options = ["--port", str(port)] if half == "api" else []
            process = subprocess.Popen(
                [sys.executable, "-m", "app", half, "--host", "127.0.0.1", *options],
                env={**os.environ, "WORKER_PORT": str(port), "RELEASE": "1.2.3"},
                stderr=subprocess.DEVNULL,
            )
            stack.callback(process.wait)
            stack.callback(process.kill)
            processes[half] = process
        urls = {half: f"http://127.0.0.1:{port}/metrics" for half, port in ports.items()}
        yield {half: own(await_answer(url, processes[half]).text) for half, url in urls.items()}


@pytest.mark.parametrize("half", ["api", "worker"])
def test_the_reference_lists_what_a_process_exposes(scrapes: Mapping[str, Scrape], half: str) -> None:
    exposed = {name: [family.type, family.documentation] for name, family in scrapes[half].items()}
    missing = WORKER_ALONE if half == "api" else set()
    assert exposed == {name: [row[0], row[3]] for name, row in rows().items() if name not in missing}
    assert len(exposed) > 30


@pytest.mark.parametrize("half", ["api", "worker"])
def test_every_series_is_there_from_the_start(scrapes: Mapping[str, Scrape], half: str) -> None:
    kinds = {handler.kind.name for feature in discover() for handler in feature.task_handlers} | {UNKNOWN}
    # Other tests declare limits of their own in this process.
    sources = "".join(path.read_text() for path in Path(app.__file__).parent.rglob("*.py"))
    limits = set(re.findall(r'\bLimit\("([a-z-]+)"', sources))
    expected = {"kind": kinds, "limit": limits, "use": {"cache", "state"}}
    for name, family in scrapes[half].items():
        labels = rows()[name][1]
        if family.type == "histogram":
            continue
        if not labels:
            assert [sample.labels for sample in family.samples if sample.name == name] == [{}], name
        elif labels in expected:
            found = {sample.labels[labels] for sample in family.samples if sample.name == name}
            assert found == expected[labels], name


def test_counters_begin_at_zero(scrapes: Mapping[str, Scrape]) -> None:
    for half in scrapes.values():
        counted = {
            sample.name
            for family in half.values()
            if family.type == "counter"
            for sample in family.samples
            if sample.value
        }
        assert {name for name in counted if name.endswith("_total")} == set()


@pytest.mark.parametrize("half", ["api", "worker"])
def test_a_process_says_which_release_it_runs(scrapes: Mapping[str, Scrape], half: str) -> None:
    (sample,) = scrapes[half]["build_info"].samples
    assert (sample.labels["release"], sample.value) == ("1.2.3", 1)
