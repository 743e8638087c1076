"""Every patch, image and replacement of a kustomization matches something."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.harness import Renderer
from tests.kubernetes.conftest import Rendered
from tests.kubernetes.entries import dead, reached
from tests.kubernetes.overlays import VARIANTS, kustomize, overlays_of


@pytest.mark.parametrize("variant", VARIANTS)
def test_every_entry_touches_something(rendered: Rendered, render: Renderer, variant: str) -> None:
    for overlay in overlays_of(render(VARIANTS[variant])):
        assert list(dead(overlay, rendered[variant][overlay.name])) == []
        entries = [entry for _, document in reached(overlay) for entry in [*document.get("patches", []), *document.get("images", [])]]
        assert len(entries) > 10


ENTRIES: dict[str, tuple[str, dict[str, Any]]] = {
    "a patch by target": ("patches", {"target": {"kind": "NetworkPolicy", "name": "datbase"}, "patch": "- {op: remove, path: /spec}"}),
    "half a patch": (
        "patches",
        {
            "target": {"kind": "NetworkPolicy", "name": "cache|datbase"},
            "patch": "- {op: replace, path: /spec/policyTypes, value: [Egress]}",
        },
    ),
    "an image": ("images", {"name": "apy", "newName": "registry.invalid/apy", "digest": "sha256:" + "0" * 64}),
    "a replacement": (
        "replacements",
        {
            "source": {"kind": "ConfigMap", "name": "contract", "fieldPath": "data.account_id"},
            "targets": [{"select": {"kind": "Ingress", "name": "apy"}, "fieldPaths": ["metadata.name"]}],
        },
    ),
}


@pytest.mark.parametrize("entry", ENTRIES)
def test_an_entry_that_matches_nothing_is_found_and_kustomize_takes_it(entry: str, render: Renderer, tmp_path: Path) -> None:
    project = render.workspace(tmp_path / "project", VARIANTS["startup"])
    path = project / "deploy/components/contract/kustomization.yaml"
    document = yaml.safe_load(path.read_text(encoding="utf-8"))
    key, added = ENTRIES[entry]
    document.setdefault(key, []).append(added)
    path.write_text(yaml.safe_dump(document, sort_keys=False), encoding="utf-8")
    overlay = project / "deploy/overlays/production"
    assert len(list(dead(overlay, kustomize(overlay)))) == 1
