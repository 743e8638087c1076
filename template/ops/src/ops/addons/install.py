"""Installs the cluster's add-ons in the versions of this project."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from ops import project
from ops.addons.facts import ZONE_ARGUMENTS, Platform, read_platform, zone_arguments
from ops.addons.helm import Addon, Helm
from ops.aws import write_kubeconfig
from ops.errors import OpsError
from ops.kubectl import Cluster
from ops.output import note, say


def install_addons(environment: str, *, dry_run: bool) -> None:
    """Install one environment's add-ons, in their order. Raises OpsError at the first that fails."""
    root = project.find()
    folder = root / "deploy" / "addons"
    name, addons = read_table(folder / "addons.yaml")
    wanted = [key for addon in addons for key in addon.facts.values()]
    platform = read_platform(name, environment, project.facts(root)["AWS_REGION"], wanted)
    kubeconfig = write_kubeconfig(root, f"platform-{environment}", platform)
    _Installation(platform, kubeconfig, folder).run(addons, dry_run=dry_run)


def read_table(path: Path) -> tuple[str, list[Addon]]:
    """Name of the platform, and its add-ons in the order of installation."""
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
        """In their order. Raises OpsError at the first that fails: those behind it are not touched."""
        for number, addon in enumerate(addons):
            if (idle := self._idle(addon)) is not None:
                say(f"{addon.name}: left out, {idle}")
                continue
            try:
                self._install(addon, dry_run=dry_run)
            except OpsError as error:
                rest = ", ".join(later.name for later in addons[number + 1 :]) or "nothing"
                raise OpsError(f"{addon.name} {addon.version}: {error}\nNot touched: {rest}") from None

    def _idle(self, addon: Addon) -> str | None:
        """Why an add-on has nothing to do here, or None."""
        if ZONE_ARGUMENTS in addon.facts.values() and not self._facts[ZONE_ARGUMENTS]:
            return "no service with a host name stands on this platform yet"
        return None

    def _install(self, addon: Addon, *, dry_run: bool) -> None:
        values = self._folder / f"{addon.name}.yaml"
        if addon.apply_crds and not dry_run:
            self._cluster.apply(self._helm.custom_resources(addon))
        if not dry_run:
            note(f"installing {addon.name} {addon.version}: this can take some minutes")
        text = self._helm.install(addon, values, self._values(addon), dry_run=dry_run)
        if dry_run:
            say(f"would install {addon.name} {addon.version} in {addon.namespace}:\n{text}")
            return
        say(f"{addon.name}: {addon.version} is up in {addon.namespace}")

    def _values(self, addon: Addon) -> dict[str, Any]:
        values: dict[str, Any] = {}
        for path, key in addon.facts.items():
            *parents, last = path.split(".")
            place = values
            for parent in parents:
                place = place.setdefault(parent, {})
            place[last] = self._facts[key]
        return values
