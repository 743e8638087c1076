"""How much CPU a request costs the rendered service, beside a bare FastAPI route and beside the same work written by hand.

Renders the default project (or takes one), installs it in a folder of its own and runs three servers as separate processes: the service
(`app api`, one process, as in production: metrics on, JSON access log to a file, limits and sessions real), a bare FastAPI route, and a
floor of FastAPI, asyncpg and redis-py. One case after the other, the three are loaded in turn over 32 connections by a process of its own;
a figure is the median of the rounds, in CPU milliseconds of the server's process. The service runs in an environment made as its Dockerfile
makes the image's. PostgreSQL and Valkey are embedded ones, their CPU is not counted. Nothing is asserted: times vary from machine to
machine, ratios to the floor vary less.

    .venv/bin/python benchmarks/service.py
    .venv/bin/python benchmarks/service.py --project ../shop --rounds 9 --case "cached read"
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
ROW = "{:<26} {:>9} {:>9} {:>9} {:>7} {:>6}"


def install(project: Path) -> None:
    """Render the default project into a folder, and install it there."""
    # With HEAD, Copier includes the uncommitted changes of the work tree, which is what is measured.
    command = [sys.executable, "-m", "copier", "copy", "--defaults", "--quiet", "--vcs-ref", "HEAD", str(ROOT), str(project)]
    subprocess.run(command, check=True)
    environment = {name: value for name, value in os.environ.items() if name != "VIRTUAL_ENV"}
    for step in (["git", "init", "-q"], ["uv", "lock", "-q"], ["uv", "sync", "-q"]):
        subprocess.run(step, cwd=project, env=environment, check=True)


def rows(report: dict[str, Any]) -> list[str]:
    """The table."""
    lines = [ROW.format("CPU ms per request", "service", "floor", "bare", "ratio", "goal")]
    for case in report["cases"]:
        times = [f"{case[name]:.3f}" for name in ("service", "floor", "bare")]
        lines.append(ROW.format(case["case"], *times, f"{case['ratio']:.2f}", f"{case['goal']:g}"))
    return lines


def remarks(report: dict[str, Any]) -> list[str]:
    """Return the figures other than CPU per request."""
    if "concurrency" not in report:
        return []
    many = report["concurrency"]
    failures = sum(count for status, count in many["statuses_256"].items() if not status.startswith("2"))
    return [
        f"rate at 128 connections: {many['share']:.0%} of {many['rate_32']:.0f} a second at 32 (goal 80 %)",
        f"answers other than 2xx at 256 connections: {failures} of {sum(many['statuses_256'].values())} (goal 0)",
        f"memory after load and logins: {report['memory']:.0f} MiB (goal 120)",
        *(f"importing the {name}: {seconds:.2f} s of CPU (goal 1.5)" for name, seconds in report["import"].items()),
    ]


def main() -> None:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--project", type=Path, help="a rendered and installed project; a new one otherwise")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--case", help="only the cases whose name contains this")
    parser.add_argument("--log", type=Path, help="keep the service's log here")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        project = (given.project or Path(folder) / "project").absolute()
        if given.project is None:
            install(project)
        command = [str(project / ".venv/bin/python"), str(Path(__file__).with_name("service_rounds.py")), str(project)]
        command += ["--rounds", str(given.rounds)]
        command += ["--case", given.case] if given.case else []
        command += ["--log", str(given.log.absolute())] if given.log else []
        measured = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    report = json.loads(measured.stdout)
    print("\n".join([*rows(report), *remarks(report)]))


if __name__ == "__main__":
    main()
