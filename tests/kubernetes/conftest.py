"""The manifests of every overlay of every variant, rendered once."""

import pytest

from tests.harness import Renderer
from tests.kubernetes.overlays import VARIANTS, Manifest, kustomize, overlays_of

Rendered = dict[str, dict[str, list[Manifest]]]


@pytest.fixture(scope="session")
def rendered(render: Renderer) -> Rendered:
    """Variant to environment to manifests."""
    return {
        variant: {overlay.name: kustomize(overlay) for overlay in overlays_of(render(answers))} for variant, answers in VARIANTS.items()
    }
