"""The roles of the database: created once per environment, and updated after a changed password.

A Job in the service's namespace makes them from the image `migrate`, because only the
cluster reaches the database. It gets the master's password in a Secret that is there for as long as the Job runs, so
that no controller and no role of a workflow needs a right on it.
"""

import copy
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress

from ops import job, manifests
from ops.aws import newest_image, read_login
from ops.contract import Contract
from ops.environment import Environment
from ops.errors import OpsError
from ops.images import Images
from ops.kubectl import Cluster
from ops.manifests import Manifest
from ops.output import say

NAME = "database-roles"
MASTER = "database_master_secret_arn"
# The work takes seconds. The rest is time to pull the image and, if necessary, to start a node.
JOB_SECONDS = 300
# If this command is killed, the Job expires after this time, and its Secret with it.
LEFT_SECONDS = 60


def ensure_roles(here: Environment, image: str, *, dry_run: bool) -> None:
    """Create the roles or bring them up to date, with an image or with the one pushed last. Raises OpsError."""
    digest = image or newest_image(here.contract.migrate_repository_url, here.contract.region)
    # The overlay requires three images, but only the Job, its service account and its settings are applied.
    rendered, release = here.release_of(here.root, Images.of(digest, digest, digest))
    task, needed = _job(rendered), _needed(rendered)
    if dry_run:
        say(_plan(here.contract, task))
        return
    release.ensure_access()
    with here.lock():
        _run(here, task, needed)


def _run(here: Environment, task: Manifest, needed: Sequence[Manifest]) -> None:
    variables = _variables(here.contract)
    with _nothing_left(here.cluster):
        here.cluster.apply(needed)
        here.cluster.create(task)
        here.cluster.create(_secret(variables, (here.cluster.get("job", NAME) or {})["metadata"]["uid"]))
        outcome = job.wait(here.cluster, NAME, JOB_SECONDS + LEFT_SECONDS)
        lines = here.cluster.logs(f"job/{NAME}").strip()
        if outcome != job.COMPLETE:
            raise OpsError(f"{NAME}: {outcome}. Its last lines:\n{lines}")
        say(lines)


@contextmanager
def _nothing_left(cluster: Cluster) -> Iterator[None]:
    """Delete the Job and its Secret before and after the block."""
    _remove(cluster)
    try:
        yield
    except BaseException:
        # Report the original failure. If the cluster is unreachable, the Job expires.
        with suppress(OpsError):
            _remove(cluster)
        raise
    _remove(cluster)


def _remove(cluster: Cluster) -> None:
    cluster.delete("secret", NAME)
    cluster.delete("job", NAME)


def _job(rendered: Sequence[Manifest]) -> Manifest:
    """Return the migration's Job with another command, but the same image, account, labels and security context."""
    task = copy.deepcopy(manifests.migration(rendered))
    task["metadata"]["name"] = NAME
    task["spec"] |= {"activeDeadlineSeconds": JOB_SECONDS, "ttlSecondsAfterFinished": LEFT_SECONDS, "backoffLimit": 0}
    (container,) = task["spec"]["template"]["spec"]["containers"]
    container["args"] = ["app", "database-roles"]
    settings = [source for source in container["envFrom"] if "configMapRef" in source]
    container["envFrom"] = [*settings, {"secretRef": {"name": NAME}}]
    return task


def _needed(rendered: Sequence[Manifest]) -> list[Manifest]:
    """Return the objects that the Job's pod refers to: its settings and its account. Policies belong to the deploy."""
    return [manifest for manifest in rendered if manifest["kind"] in ("ConfigMap", "ServiceAccount")]


def _sources(contract: Contract) -> dict[str, str]:
    """Return the secret for each prefix of variables. Raises OpsError without the master's secret."""
    if not (master := contract.others.get(MASTER)):
        raise OpsError(f"the contract lacks {MASTER}: apply infra/service again")
    return {
        "": master,
        "APP_": contract.database_app_secret,
        "MIGRATIONS_": contract.database_migrations_secret,
    }


def _variables(contract: Contract) -> dict[str, str]:
    variables: dict[str, str] = {}
    for prefix, name in _sources(contract).items():
        user, password = read_login(name, contract.region)
        variables |= {f"{prefix}DATABASE_USER": user, f"{prefix}DATABASE_PASSWORD": password}
    return variables


def _secret(variables: dict[str, str], owner: str) -> Manifest:
    """Return a Secret that the Job owns: Kubernetes deletes both together."""
    reference = {"apiVersion": "batch/v1", "kind": "Job", "name": NAME, "uid": owner}
    metadata = {"name": NAME, "ownerReferences": [reference]}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "stringData": variables}


def _plan(contract: Contract, task: Manifest) -> str:
    image = task["spec"]["template"]["spec"]["containers"][0]["image"]
    sources = _sources(contract)
    lines = [
        f"would run `app database-roles` once in {contract.cluster_name}, namespace {contract.namespace}",
        f"  image       {image}",
        f"  as          {sources['']}",
        f"  app         {sources['APP_']}",
        f"  migrations  {sources['MIGRATIONS_']}",
    ]
    return "\n".join(lines)
