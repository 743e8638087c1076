"""Steps that bring the service into the cluster."""

import importlib
import importlib.util
from collections.abc import Sequence

from ops.access import for_contract, grant, manifests, missing
from ops.aws import newest_image
from ops.database_roles import ensure_roles
from ops.doctor import domain, running
from ops.doctor.context import Context
from ops.environment import Environment, Target
from ops.errors import OpsError
from ops.history import History
from ops.images import Images
from ops.output import confirm, say
from ops.up.preparation import errors, person
from ops.up.step import PersonNeededError, Step, Walk


def _addons() -> list[Step]:
    """The add-ons, if the project has its own platform."""
    if importlib.util.find_spec("ops.addons") is None:
        return []
    check = importlib.import_module("ops.addons.check").addons
    install = importlib.import_module("ops.addons.install").install_addons

    def act(run: Walk) -> None:
        confirm("Install or upgrade the cluster's add-ons?", yes=run.yes)
        install(run.context.environment, dry_run=False)

    return [Step("add-ons", "10 minutes", lambda run: not errors([check], run.context), act)]


def _has_access(run: Walk) -> bool:
    return run.context.cluster is not None and not missing(run.context.cluster, run.context.root)


def _grant(run: Walk) -> None:
    here = Environment.load(run.context.environment)
    documents = for_contract(manifests(here.root), here.contract)
    for each in documents:
        say(f"  {each['kind']} {each['metadata']['name']}")
    question = (
        f"Create or update these in the cluster {here.contract.cluster_name}, so that the deploy role may deploy?"
    )
    confirm(question, yes=run.yes)
    grant(here.cluster, here.root, here.contract)


def _images(context: Context) -> Images | None:
    """The images that were pushed last, or None."""
    contract = context.contract
    if contract is None:
        return None
    urls = (contract.api_repository_url, contract.worker_repository_url, contract.migrate_repository_url)
    try:
        return Images.of(*(newest_image(url, contract.region) for url in urls))
    except OpsError:
        return None


def _push(_: Walk) -> None:
    text = (
        "Push the main branch: the workflow `release` builds the images and pushes them. Its deploy stops before the "
        "migration, because the database has no roles yet. Then run this again"
    )
    raise PersonNeededError(text)


def _arrived(run: Walk) -> bool:
    return run.context.cluster is not None and History(run.context.cluster).has_arrived()


def _release(run: Walk) -> None:
    """The database's roles, then a release of the images that were pushed last."""
    if (images := _images(run.context)) is None:
        raise OpsError("the images are no longer in the registry")
    here = Environment.load(run.context.environment)
    target = Target.of(here, images)
    ensure_roles(here, images.migrate, dry_run=True)
    confirm("Create the database's roles, or bring them up to date?", yes=run.yes)
    ensure_roles(here, images.migrate, dry_run=False)
    confirm(f"Deploy the images that were pushed last to {run.context.environment}?", yes=run.yes)
    with target.under_way():
        target.release.run()
    say("the first release is up")


STEPS: Sequence[Step] = (
    *_addons(),
    Step("access", "a few seconds", _has_access, _grant),
    Step("images", "15 minutes in a workflow", lambda run: _images(run.context) is not None, _push),
    Step("database roles and first release", "10 minutes", _arrived, _release),
    person("health", "some minutes", [domain.delegation, running.pods, running.targets]),
)
