"""Entries of kustomizations that match nothing: kustomize takes a patch, an image or a replacement without a target in silence."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from tests.kubernetes.overlays import Manifest
from tests.kubernetes.pods import containers

Kustomization = dict[str, Any]


def reached(folder: Path) -> Iterator[tuple[Path, Kustomization]]:
    """Yield a kustomization and all of its bases, each with its folder."""
    document = yaml.safe_load((folder / "kustomization.yaml").read_text(encoding="utf-8"))
    yield folder, document
    for part in [*document.get("resources", []), *document.get("components", [])]:
        if (folder / part).is_dir():
            yield from reached((folder / part).resolve())


def dead(folder: Path, manifests: list[Manifest]) -> Iterator[str]:
    """One line an entry that touches none of the manifests that the kustomization renders."""
    for place, document in reached(folder):
        for patch in document.get("patches", []):
            for kind, name in _targets(place, patch):
                if not _finds(manifests, kind, name):
                    yield f"{place.name}: a patch of {kind}/{name}"
        for image in document.get("images", []):
            wanted = f"{image['newName']}@{image['digest']}"
            if not any(container["image"] == wanted for _, _, container in containers(manifests)):
                yield f"{place.name}: the image {image['name']}"
        for replacement in document.get("replacements", []):
            for target in replacement["targets"]:
                if not _finds(manifests, target["select"]["kind"], target["select"]["name"]):
                    yield f"{place.name}: a replacement in {target['select']}"


def _targets(place: Path, patch: dict[str, Any]) -> Iterator[tuple[str, str]]:
    if "target" in patch:
        names = patch["target"]["name"].split("|")
        yield from ((patch["target"]["kind"], name) for name in names)
        return
    text = patch["patch"] if "patch" in patch else (place / patch["path"]).read_text(encoding="utf-8")
    yield from ((document["kind"], document["metadata"]["name"]) for document in yaml.safe_load_all(text))


def _finds(manifests: list[Manifest], kind: str, name: str) -> bool:
    """By kind and by a name that is a pattern, as kustomize takes it."""
    return any(manifest["kind"] == kind and re.fullmatch(name, manifest["metadata"]["name"]) for manifest in manifests)
