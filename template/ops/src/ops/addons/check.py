"""Checks of the add-ons, for `ops doctor`."""

from collections.abc import Iterator

from ops.addons.facts import ZONE_ARGUMENTS, read_platform, zone_arguments
from ops.addons.helm import Addon, Helm
from ops.addons.install import read_table
from ops.aws import write_kubeconfig
from ops.doctor.context import Context
from ops.doctor.finding import Finding, error, warning


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


def _needs_a_zone(addon: Addon) -> bool:
    return ZONE_ARGUMENTS in addon.facts.values()
