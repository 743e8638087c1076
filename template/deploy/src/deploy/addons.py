"""The cluster's add-ons: `uv run addons ENVIRONMENT` installs them, or brings them to the versions of this project.

An administrator's command, for the platform that this project makes. It is safe to repeat, and is repeated when a
service with a host name joins the platform: external-dns writes to the zones of the services that it finds.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from deploy import cli, project
from deploy.addons_facts import ZONE_ARGUMENTS, Platform, read_platform, zone_arguments
from deploy.ending import ended_in_order
from deploy.failure import DeployError
from deploy.helm import Addon, Helm
from deploy.kubectl import Cluster


def main(arguments: Sequence[str] | None = None) -> int:
    """Install one environment's add-ons; the exit status is 0, or 1 with the reason on standard error."""
    parser = argparse.ArgumentParser(prog="addons", description="Install or upgrade the cluster's add-ons.")
    parser.add_argument("environment", help="whose platform: dev, staging or production")
    parser.add_argument("--dry-run", action="store_true", help="print what would be applied, and change nothing")
    options = parser.parse_args(arguments)
    with ended_in_order() as status:
        root = project.find(Path.cwd())
        folder = root / "deploy" / "addons"
        name, addons = _table(folder / "addons.yaml")
        wanted = [key for addon in addons for key in addon.facts.values()]
        region = project.facts(root)["AWS_REGION"]
        platform = read_platform(name, options.environment, region, wanted)
        kubeconfig = cli.write_kubeconfig(root, f"platform-{options.environment}", platform)
        _Installation(platform, kubeconfig, folder).run(addons, dry_run=options.dry_run)
    return status.code


def _table(path: Path) -> tuple[str, list[Addon]]:
    document = yaml.safe_load(path.read_text(encoding="utf-8"))
    return document["platform"], [Addon(**row) for row in document["addons"]]


class _Installation:
    """One run over all add-ons of one platform."""

    def __init__(self, platform: Platform, kubeconfig: Path, folder: Path) -> None:
        self._facts = {**platform.values, ZONE_ARGUMENTS: zone_arguments(platform)}
        self._helm = Helm(kubeconfig)
        self._cluster = Cluster(kubeconfig, platform.namespace)
        self._folder = folder

    def run(self, addons: Sequence[Addon], *, dry_run: bool) -> None:
        """In their order. Raises DeployError at the first that fails: those behind it are not touched."""
        for number, addon in enumerate(addons):
            if (idle := self._idle(addon)) is not None:
                cli.say(f"{addon.name}: left out, {idle}")
                continue
            try:
                self._install(addon, dry_run=dry_run)
            except DeployError as error:
                rest = ", ".join(later.name for later in addons[number + 1 :]) or "nothing"
                raise DeployError(f"{addon.name} {addon.version}: {error}\nNot touched: {rest}") from None

    def _idle(self, addon: Addon) -> str | None:
        """Why an add-on has nothing to do here, or None."""
        if ZONE_ARGUMENTS in addon.facts.values() and not self._facts[ZONE_ARGUMENTS]:
            return "no service with a host name stands on this platform yet"
        return None

    def _install(self, addon: Addon, *, dry_run: bool) -> None:
        values = self._folder / f"{addon.name}.yaml"
        if addon.apply_crds and not dry_run:
            self._cluster.apply(self._helm.custom_resources(addon))
        text = self._helm.install(addon, values, self._values(addon), dry_run=dry_run)
        if dry_run:
            cli.say(f"would install {addon.name} {addon.version} in {addon.namespace}:\n{text}")
            return
        cli.say(f"{addon.name}: {addon.version} is up in {addon.namespace}")

    def _values(self, addon: Addon) -> dict[str, Any]:
        values: dict[str, Any] = {}
        for path, key in addon.facts.items():
            *parents, last = path.split(".")
            place = values
            for parent in parents:
                place = place.setdefault(parent, {})
            place[last] = self._facts[key]
        return values
