"""Everything that is built once for the suite: images of two projects, of one after a change, and those that compose runs."""

import json
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.generator.test_removal import EVERYTHING
from tests.harness import Renderer, required
from tests.images.bases import dockerfile, provide_bases, provide_services
from tests.images.engine import Engine
from tests.images.tools import make_client
from tests.service.conftest import run_uv

TARGETS = ("api", "worker", "migrate")
VARIANTS: dict[str, dict[str, Any]] = {"defaults": {}, "everything": EVERYTHING}
# The users of the last variant sign in to another service. Its images are inspected but not started.
BUILT: dict[str, dict[str, Any]] = {**VARIANTS, "smallest": {"accounts": "remote", "sample": False}}
RELEASE = "0123abc"
SOURCE = "https://example.com/team/service"


@dataclass(frozen=True)
class World:
    """An engine with images in it, and the projects they were built from."""

    engine: Engine
    projects: dict[str, Path]
    # Seconds that each build step took.
    took: dict[str, float]
    # Base images that were built here: from the name in the Dockerfile to the image's name.
    made: dict[str, str] = field(default_factory=dict)

    def image(self, target: str, variant: str = "defaults") -> str:
        return f"sampan/{variant}-{target}"

    def inspect(self, image: str) -> dict[str, Any]:
        """Return the engine's facts about an image."""
        found: dict[str, Any] = json.loads(self.engine.docker("image", "inspect", image))[0]
        return found

    def base(self) -> str:
        """The name of the image that the last stage starts from."""
        lines = (self.projects["defaults"] / "Dockerfile").read_text(encoding="utf-8").splitlines()
        pinned = next(line.split()[1] for line in lines if line.endswith(" AS runtime"))
        return self.made.get(pinned, pinned)


@contextmanager
def built_world(render: Renderer) -> Iterator[World]:
    """Build all images, then give the engine a network of its own; all of it is gone after the block."""
    if os.geteuid() != 0:
        _unable("a Docker engine of the tests' own needs root")
    required("dockerd")
    with _folder() as root:
        engine = Engine(root, make_client(root / "tools"))
        try:
            engine.start(isolated=False)
            world = World(engine, {}, {})
            _build_all(world, render, root)
            engine.stop()
            engine.start(isolated=True)
            yield world
        finally:
            engine.stop()


@contextmanager
def _folder() -> Iterator[Path]:
    """The engine's folder: SAMPAN_IMAGES_ROOT, whose images stay for the next run, stand-ins included; or a temporary folder.

    It stands right under /tmp because a socket's path has at most 107 characters.
    """
    if kept := os.environ.get("SAMPAN_IMAGES_ROOT"):
        yield Path(kept)
        return
    with tempfile.TemporaryDirectory(prefix="sampan-images-", dir="/tmp", ignore_cleanup_errors=True) as name:
        yield Path(name)


def _build_all(world: World, render: Renderer, root: Path) -> None:
    engine, projects = world.engine, world.projects
    sources = Path(tempfile.mkdtemp(prefix="projects-", dir=root))
    projects |= {name: _project(render, sources / name, answers) for name, answers in BUILT.items()}
    projects["changed"] = _changed(projects["defaults"], sources / "changed")
    with _timed(world, "bases"):
        world.made.update(provide_bases(engine, projects["defaults"], sources))
    for name, project in projects.items():
        with _timed(world, f"images of {name}"):
            for target in TARGETS:
                _build(world, project, target, world.image(target, name), release="next" if name == "changed" else RELEASE)
    with _timed(world, "compose build"):
        _compose_build(world, projects["defaults"])
    with _timed(world, "databases"):
        provide_services(engine, projects["defaults"], sources)


@contextmanager
def _timed(world: World, step: str) -> Iterator[None]:
    started = time.monotonic()
    yield
    world.took[step] = time.monotonic() - started


def _unable(reason: str) -> None:
    if os.environ.get("SAMPAN_REQUIRE_TOOLS") == "1":
        pytest.fail(reason)
    pytest.skip(reason)


def _project(render: Renderer, folder: Path, answers: dict[str, Any]) -> Path:
    project = render.workspace(folder, answers)
    run_uv(project, "lock", "--quiet")
    return project


def _changed(project: Path, folder: Path) -> Path:
    """The project after a change of one line."""
    shutil.copytree(project, folder, symlinks=True)
    with (folder / "src/app/main.py").open("a", encoding="utf-8") as file:
        file.write("\n# one more line\n")
    return folder


def _build(world: World, project: Path, target: str, image: str, release: str) -> None:
    arguments = [f"--build-arg=RELEASE={release}", f"--build-arg=SOURCE={SOURCE}"]
    arguments.append(f"--file={dockerfile(project, world.made)}")
    world.engine.docker("buildx", "build", "--network=host", "--load", *arguments, f"--target={target}", f"--tag={image}", ".", cwd=project)


def _compose_build(world: World, project: Path) -> None:
    """Compose's own build, on the machine's network: the engine has none of its own yet."""
    override = project.parent / "network.yaml"
    build = {"network": "host", "dockerfile": str(dockerfile(project, world.made))}
    override.write_text(yaml.safe_dump({"services": {name: {"build": build} for name in TARGETS}}), encoding="utf-8")
    files = [f"--file={path}" for path in (*sorted(project.glob("compose*.yaml"), reverse=True), override)]
    world.engine.docker("compose", *files, "build", cwd=project)
