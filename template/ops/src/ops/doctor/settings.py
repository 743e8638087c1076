"""Values that a person has to set."""

import re
from collections.abc import Iterator
from pathlib import Path

from ops import tfvars
from ops.doctor.context import Context
from ops.doctor.finding import Finding, error, warning
from ops.errors import OpsError
from ops.kubectl import kustomize

_PLACEHOLDER = re.compile(r"^\s*(\w+): .*?([\w.@-]*\.invalid)\b", re.MULTILINE)
_SETTINGS = re.compile(r"^kind: ConfigMap$", re.MULTILINE)


def placeholders(context: Context) -> Iterator[Finding]:
    """Yield each setting of the overlay that still ends in .invalid. Settings that the contract fills are left out."""
    overlay = context.root / "deploy" / "overlays" / context.environment
    if not (overlay / "kustomization.yaml").is_file():
        raise OpsError(f"there is no overlay {context.environment}")
    documents = [text for text in kustomize(overlay).split("\n---\n") if _SETTINGS.search(text)]
    filled = {"DATABASE_HOST", "REDIS_HOST", "CACHE_REDIS_HOST", "PUBLIC_URL"}
    for name, value in sorted({found for text in documents for found in _PLACEHOLDER.findall(text)}):
        if name not in filled:
            where = f"deploy/overlays/{context.environment}/settings.env"
            yield error("settings", f"{name} is still {value}", f"Set {name} in {where}", "settings")


def plain_http(context: Context) -> Iterator[Finding]:
    """Yield a warning where the public load balancer serves only HTTP."""
    if not context.settings.get("domain"):
        problem = "domain is empty: passwords and tokens cross the internet in plain text"
        yield warning("http", problem, "copier update -d domain=HOST", "plain-http")


def alerts(context: Context) -> Iterator[Finding]:
    """Yield a warning where alarms reach nobody."""
    if not context.settings.get("alert_email"):
        remedy = "copier update -d alert_email=ADDRESS"
        yield warning("alarms", "alert_email is empty: alarms reach nobody", remedy, "alarms")


def administrators(context: Context) -> Iterator[Finding]:
    """Yield an error if the cluster would have no administrators."""
    if context.creates_platform and not context.platform.get("cluster_admin_role_arns"):
        remedy = f"Name your own role in cluster_admin_role_arns of {_local_file(context)}"
        yield error("cluster", "cluster_admin_role_arns is empty: nobody may install add-ons", remedy, "cluster")


def endpoint(context: Context) -> Iterator[Finding]:
    """Yield an error if deploys cannot reach the cluster's endpoint."""
    open_to = context.platform.get("api_public_cidrs") or context.platform.get("api_open_to_the_world")
    if not context.creates_platform or open_to or context.github_problem:
        return
    if "DEPLOY_RUNNER" not in context.repository.variables():
        remedy = f"Set api_public_cidrs in {_local_file(context)}, or the repository variable DEPLOY_RUNNER"
        yield error("cluster", "the cluster's endpoint is private, and no runner is in its network", remedy, "cluster")


def _local_file(context: Context) -> Path:
    """The team's own values of the platform, from the project's root."""
    return tfvars.local_file(context.root, context.environment, "platform").relative_to(context.root)
