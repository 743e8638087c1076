"""The way back: `uv run rollback ENVIRONMENT [--to COMMIT]`: an earlier release, by digest and with its manifests.

The environment's own history says what was there before. Migrations are not undone: expand and contract keeps the
release before working on the newer schema.
"""

from collections.abc import Sequence
from pathlib import Path

from deploy import cli
from deploy.aws import require_images
from deploy.ending import ended_in_order
from deploy.git import checked_out
from deploy.history import Entry

# What a deploy leaves for itself alone, and a lost runner for nobody.
TEMPORARY = "temporary=true"


def main(arguments: Sequence[str] | None = None) -> int:
    """Roll one environment back; the exit status is 0, or 1 with the reason on standard error."""
    parser = cli.environment_parser("rollback", "Bring an earlier release of one environment back.")
    parser.add_argument("--to", default="", metavar="COMMIT", help="a release of its history; else the one before")
    options = parser.parse_args(arguments)
    with ended_in_order() as status:
        here = cli.place(options)
        entry = here.history.target(options.to)
        require_images(here.contract, entry.images)
        with checked_out(here.root, entry.release) as folder:
            _go_back(here, entry, folder, dry_run=options.dry_run)
    return status.code


def _go_back(here: cli.Place, entry: Entry, folder: Path, *, dry_run: bool) -> None:
    manifests, release = here.release_of(folder, entry.images)
    target = cli.Target(here, entry.release, entry.images, manifests, release)
    if dry_run:
        cli.say(f"would go back to {entry.release} of {entry.at}")
        target.show_difference()
        return
    with here.lock():
        with here.or_as_before(release, manifests):
            release.go_back()
        here.cluster.delete_labelled("deployment", TEMPORARY)
        here.history.went_back(entry)
    target.summarise("is rolled back in")
