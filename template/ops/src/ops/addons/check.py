"""Checks of the add-ons, for `ops doctor`."""

import re
from collections.abc import Iterator

from ops.addons.facts import ZONE_ARGUMENTS, read_platform, zone_arguments
from ops.addons.helm import Addon, Helm
from ops.addons.install import read_table
from ops.aws import write_kubeconfig
from ops.doctor.context import Context
from ops.doctor.finding import Finding, error, warning
from ops.errors import OpsError

_VERSION = re.compile(r'([\w-]+)\s*=\s*"(.+?)"')


def addons(context: Context) -> Iterator[Finding]:
    """Yield each add-on that is missing, failed, or behind; nothing before the platform is there."""
    if not context.has_platform or context.cluster_problem:
        return
    name, table = read_table(context.root / "deploy" / "addons" / "addons.yaml")
    platform = read_platform(name, context.environment, context.region, [])
    helm = Helm(write_kubeconfig(context.root, f"platform-{context.environment}", platform))
    installed = helm.releases()
    remedy = f"uv run ops addons {context.environment}"
    for addon in table:
        found = installed.get(addon.name)
        if found is None:
            if not _needs_a_zone(addon) or zone_arguments(platform):
                yield error("add-ons", f"{addon.name} is not installed", remedy, "add-ons")
        elif found["status"] != "deployed":
            yield error("add-ons", f"{addon.name} is {found['status']}", remedy, "add-ons")
        elif found["chart"] != f"{addon.name}-{addon.version}":
            yield warning("add-ons", f"{found['chart']} is installed, not {addon.version}", remedy, "add-ons")


def eks_addons(context: Context) -> Iterator[Finding]:
    """Yield each add-on of EKS that is missing, not active, or has another version than infra/platform configures."""
    if not context.has_platform:
        return
    name, _ = read_table(context.root / "deploy" / "addons" / "addons.yaml")
    cluster = read_platform(name, context.environment, context.region, []).cluster_name
    eks = context.aws("eks")
    remedy = f"uv run ops apply {context.environment} --root platform"
    installed = eks.list_addons(clusterName=cluster)["addons"]
    for addon, version in _configured(context).items():
        if addon not in installed:
            yield error("add-ons", f"the EKS add-on {addon} is not installed", remedy, "add-ons")
            continue
        found = eks.describe_addon(clusterName=cluster, addonName=addon)["addon"]
        if found["addonVersion"] != version:
            problem = f"the EKS add-on {addon} is {found['addonVersion']}, and {version} is configured"
            yield warning("add-ons", problem, remedy, "add-ons")
        elif found["status"] not in ("ACTIVE", "CREATING", "UPDATING"):
            command = f"aws eks describe-addon --cluster-name {cluster} --addon-name {addon}"
            yield error("add-ons", f"the EKS add-on {addon} is {found['status']}", command, "add-ons")


def _configured(context: Context) -> dict[str, str]:
    """Versions of EKS's add-ons: the defaults of the variable addon_versions, which releases of the template move."""
    text = (context.root / "infra" / "platform" / "variables_cluster.tf").read_text(encoding="utf-8")
    block = text.partition('variable "addon_versions"')[2].partition("default = {")[2].partition("}")[0]
    if not (found := dict(_VERSION.findall(block))):
        raise OpsError("infra/platform/variables_cluster.tf has no defaults for addon_versions")
    return found


def _needs_a_zone(addon: Addon) -> bool:
    return ZONE_ARGUMENTS in addon.facts.values()
