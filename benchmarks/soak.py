"""Twelve minutes of mixed traffic on the rendered service in production mode: what fails, what grows, how long it takes.

Renders the default project (or takes one), installs it and runs `app api` and `app worker` as processes: ENVIRONMENT=production, a pool of
three connections each, the restricted database role, a real SMTP server that counts mails. 20 requests a second arrive whether or not
the ones before are answered: logins, registrations with idempotency keys (some sent twice), refreshes, products, lists, imports, logouts.

Ends with 1 when an answer is 5xx or unexpected, a mail is missing or doubled, a task is left over, or memory, descriptors or Redis keys
grow between the two halves of the run after a warm-up of 320 s. Times are printed, not asserted.

    .venv/bin/python benchmarks/soak.py
    .venv/bin/python benchmarks/soak.py --project ../shop --minutes 2
"""

import argparse
import subprocess
import tempfile
from pathlib import Path

from service import install


def main() -> None:
    """Run the soak with the project's own Python."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--project", type=Path, help="a rendered and installed project; a new one otherwise")
    parser.add_argument("--minutes", type=float, default=12)
    parser.add_argument("--rate", type=float, default=20, help="requests per second")
    parser.add_argument("--record", type=Path, help="write scrapes and log lines here, for `python -m tests.observability.draw`")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        project = (given.project or Path(folder) / "project").absolute()
        if given.project is None:
            install(project)
        script = str(Path(__file__).with_name("soak_run.py"))
        command = [str(project / ".venv/bin/python"), script, str(project)]
        command += ["--minutes", str(given.minutes), "--rate", str(given.rate)]
        command += ["--record", str(given.record.absolute())] if given.record else []
        raise SystemExit(subprocess.run(command, check=False, cwd=project).returncode)


if __name__ == "__main__":
    main()
