"""How much CPU a rendering takes, beside a plain copy of as many files.

Runs both in turn, five times, and prints the medians in CPU seconds of this process and its children, the number of files, and the goal:
0.3 s + 7 ms a file. Times vary from machine to machine; the ratio between the two lines varies less.

    .venv/bin/python benchmarks/rendering.py
"""

import json
import os
import shutil
import statistics
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import copier

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from tests.harness import copy_template  # noqa: E402  # the repository's root has to be found first

PASSES = 5


def cpu_seconds(work: Callable[[], object]) -> float:
    """CPU seconds, user and system, of this process and of the processes it waited for."""
    before = os.times()
    work()
    after = os.times()
    return sum(after[:4]) - sum(before[:4])


def main() -> None:
    """Measure, and print one JSON object."""
    with tempfile.TemporaryDirectory() as folder:
        template = copy_template(Path(folder) / "template")
        rendered, copied = [], []
        target = Path(folder) / "first"
        copier.run_copy(str(template), target, defaults=True, quiet=True)
        for number in range(PASSES):
            out = Path(folder) / f"rendered-{number}"
            rendered.append(cpu_seconds(lambda out=out: copier.run_copy(str(template), out, defaults=True, quiet=True)))
            copied.append(cpu_seconds(lambda number=number: shutil.copytree(target, Path(folder) / f"copied-{number}")))
        files = sum(path.is_file() for path in target.rglob("*"))
        print(
            json.dumps(
                {
                    "files": files,
                    "render_cpu_s": round(statistics.median(rendered), 2),
                    "goal_cpu_s": round(0.3 + 0.007 * files, 2),
                    "plain_copy_cpu_s": round(statistics.median(copied), 3),
                    "passes": PASSES,
                }
            )
        )


if __name__ == "__main__":
    main()
