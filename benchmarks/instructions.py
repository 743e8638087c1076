"""How many instructions a request costs the rendered service, for a comparison of two renderings.

The cases of service.py, counted by valgrind's callgrind instead of timed. Counts of one tree scattered by up to 2 % from run to run, times
on a busy machine by 10 %: compare several runs. Do not compare the counts of different programs, whose instructions take different times.
Instructions of the kernel are not counted. Needs valgrind on PATH.

    .venv/bin/python benchmarks/instructions.py
    .venv/bin/python benchmarks/instructions.py --project ../before --project ../after --case create
"""

import argparse
import shutil
import subprocess
import tempfile
from pathlib import Path

from service import install


def main() -> None:
    """Measure, and print a line per case."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--project", type=Path, action="append", help="a rendered and installed project; a new one otherwise")
    parser.add_argument("--requests", type=int, default=300, help="requests per case")
    parser.add_argument("--case", default="", help="only the cases whose name contains this")
    given = parser.parse_args()
    if shutil.which("valgrind") is None:
        parser.error("valgrind is not on PATH")
    with tempfile.TemporaryDirectory() as folder:
        projects = given.project or [Path(folder) / "project"]
        if given.project is None:
            install(projects[0])
        for project in map(Path.absolute, projects):
            print(project, flush=True)
            command = [str(project / ".venv/bin/python"), str(Path(__file__).with_name("instructions_run.py")), str(project)]
            subprocess.run([*command, str(given.requests), given.case], check=True)


if __name__ == "__main__":
    main()
