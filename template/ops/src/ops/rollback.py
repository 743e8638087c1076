"""Rollback to an earlier release, by digest and with its manifests.

The environment's own history says what was there before. Migrations are not undone: expand and contract keeps the
previous release working on the newer schema.
"""

from pathlib import Path

from ops.aws import require_images
from ops.environment import Environment, Target
from ops.git import checked_out
from ops.history import Entry
from ops.output import say

# Label of deployments that serve one release only. A later deploy deletes those of a runner that was lost.
TEMPORARY = "temporary=true"


def roll_back(here: Environment, wanted: str, *, dry_run: bool) -> None:
    """Deploy the named release of the history, or the previous one. Raises OpsError."""
    entry = here.history.target(wanted)
    require_images(here.contract, entry.images)
    with checked_out(here.root, entry.release) as folder:
        _deploy(here, entry, folder, dry_run=dry_run)


def _deploy(here: Environment, entry: Entry, folder: Path, *, dry_run: bool) -> None:
    manifests, release = here.release_of(folder, entry.images)
    target = Target(here, entry.release, entry.images, manifests, release)
    if dry_run:
        say(f"would roll back to {entry.release} of {entry.at}")
        target.show_difference()
        return
    with here.lock():
        with here.restored_on_failure(release):
            release.roll_back()
        here.cluster.delete_labelled("deployment", TEMPORARY)
        here.history.rolled_back(entry)
    target.summarise("is rolled back in")
