"""How much of a request's CPU goes into metrics and the access log.

Runs the rendered service three times side by side: unchanged, without its access log, and without log and metrics (service_quiet.py). The
three are loaded in turn over 32 connections; a figure is the median of the rounds, in CPU milliseconds of the server's process.

    .venv/bin/python benchmarks/observation.py
    .venv/bin/python benchmarks/observation.py --project ../shop --rounds 9 --case "cached read"
"""

import argparse
import json
import subprocess
import tempfile
from pathlib import Path

from service import install

ROW = "{:<26} {:>9} {:>12} {:>20} {:>7}"
GOAL = 15


def main() -> None:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--project", type=Path, help="a rendered and installed project; a new one otherwise")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--case", default="cached read", help="only the cases whose name contains this")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        project = (given.project or Path(folder) / "project").absolute()
        if given.project is None:
            install(project)
        command = [str(project / ".venv/bin/python"), str(Path(__file__).with_name("observation_run.py")), str(project)]
        run = subprocess.run([*command, str(given.rounds), given.case], check=True, stdout=subprocess.PIPE, text=True)
    print(ROW.format("CPU ms per request", "service", "without log", "without log, metrics", "share"))
    for row in json.loads(run.stdout):
        share = 1 - row["quiet"] / row["service"]
        print(ROW.format(row["case"], f"{row['service']:.3f}", f"{row['unlogged']:.3f}", f"{row['quiet']:.3f}", f"{share:.1%}"))
    print(f"goal for a cached read: {GOAL} % at most")


if __name__ == "__main__":
    main()
