"""The manifests of every overlay of every variant, rendered once; and deploys on an emulated AWS."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from threading import Thread
from typing import Any, TypeVar

import pytest
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, MotoRequestHandler, create_backend_app
from werkzeug.serving import make_server

from tests.harness import Renderer
from tests.infrastructure.cloud.recorder import Recorder
from tests.kubernetes.deployer import Deployer
from tests.kubernetes.overlays import VARIANTS, Manifest, kustomize, overlays_of
from tests.kubernetes.recorded import RECORDED, RECORDED_CALLS, deploys_calls

Kind = TypeVar("Kind", bound=Deployer)
Rendered = dict[str, dict[str, list[Manifest]]]


@pytest.fixture(scope="session")
def rendered(render: Renderer) -> Rendered:
    """Variant to environment to manifests."""
    return {
        variant: {overlay.name: kustomize(overlay) for overlay in overlays_of(render(answers))} for variant, answers in VARIANTS.items()
    }


@dataclass(frozen=True)
class Emulated:
    """An emulated AWS: its address, and the file of what is asked of it."""

    endpoint: str
    requests: Path


@pytest.fixture(scope="session")
def emulated(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulated]:
    """An emulated AWS for the session."""
    requests = tmp_path_factory.mktemp("aws") / "requests.calls"
    requests.touch()
    application = Recorder(DomainDispatcherApplication(create_backend_app), requests)
    server = make_server("127.0.0.1", 0, application, threaded=True, request_handler=MotoRequestHandler)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield Emulated(f"http://127.0.0.1:{server.server_port}", requests)
    server.shutdown()
    thread.join()


@pytest.fixture
def aws(emulated: Emulated) -> Iterator[str]:
    """The address of an emulated AWS. Every call that a test makes in the deploy role's place is one of `recorded_calls.txt`."""
    before = emulated.requests.stat().st_size
    yield emulated.endpoint
    missing = deploys_calls(emulated.requests, before) - RECORDED_CALLS
    assert not missing, f"add to {RECORDED.name}, in order, what `test_policies` tries on the deploy role: {sorted(missing)}"


@pytest.fixture
def deployer(render: Renderer, tmp_path: Path, aws: str) -> Deployer:
    """A deploy of the default project, named shop, with its contract published and its settings filled in."""
    return deployer_of(render, tmp_path, aws, {"service": "shop"}, Deployer)


@pytest.fixture(scope="session")
def first_release(render: Renderer, tmp_path_factory: pytest.TempPathFactory, emulated: Emulated) -> dict[str, Any]:
    """The cluster after the first deploy of the `deployer`'s project: the beginning of many tests, deployed once for all of them."""
    made = deployer_of(render, tmp_path_factory.mktemp("released"), emulated.endpoint, {"service": "shop"}, Deployer)
    run = made.run()
    assert run.returncode == 0, run.stderr
    return made.state


def deployer_of(render: Renderer, folder: Path, endpoint: str, answers: dict[str, Any], kind: type[Kind]) -> Kind:
    """A deploy of any project."""
    project = render.workspace(folder / "project", answers)
    settings = project / "deploy/overlays/dev/settings.env"
    settings.write_text("SMTP_HOST=smtp.example.com\nMAIL_FROM=noreply@example.com\n", encoding="utf-8")
    (folder / "bin").mkdir()
    made = kind(project, folder / "bin", endpoint)
    made.publish()
    return made
