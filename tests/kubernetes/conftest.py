"""The manifests of every overlay of every variant, rendered once; and deploys on an emulated AWS."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypeVar

import pytest
from moto.server import ThreadedMotoServer

from tests.harness import Renderer
from tests.kubernetes.deployer import Deployer
from tests.kubernetes.overlays import VARIANTS, Manifest, kustomize, overlays_of

Kind = TypeVar("Kind", bound=Deployer)
Rendered = dict[str, dict[str, list[Manifest]]]


@pytest.fixture(scope="session")
def rendered(render: Renderer) -> Rendered:
    """Variant to environment to manifests."""
    return {
        variant: {overlay.name: kustomize(overlay) for overlay in overlays_of(render(answers))} for variant, answers in VARIANTS.items()
    }


@pytest.fixture(scope="session")
def aws() -> Iterator[str]:
    """The address of an emulated AWS."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def deployer(render: Renderer, tmp_path: Path, aws: str) -> Deployer:
    """A deploy of the default project, named shop, with its contract published and its settings filled in."""
    return deployer_of(render, tmp_path, aws, {"service": "shop"}, Deployer)


def deployer_of(render: Renderer, folder: Path, endpoint: str, answers: dict[str, Any], kind: type[Kind]) -> Kind:
    """A deploy of any project."""
    project = render.workspace(folder / "project", answers)
    settings = project / "deploy/overlays/dev/settings.env"
    settings.write_text("SMTP_HOST=smtp.example.com\nMAIL_FROM=noreply@example.com\n", encoding="utf-8")
    (folder / "bin").mkdir()
    made = kind(project, folder / "bin", endpoint)
    made.publish()
    return made
