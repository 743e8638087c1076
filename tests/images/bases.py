"""The images that Dockerfile and compose.yaml name: pulled where a registry is in reach, made of Debian packages where none is.

A made image of compose.yaml has the very name that is asked for, so that the file is used as shipped. The Dockerfile pins digests, which
no other image can have: where its bases are made, the build reads a copy without the digests of the made ones. (A named build context would
do without the copy, but the engine of Debian 12 does not know it.)
"""

import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

import yaml

from tests.harness import required
from tests.images.engine import Engine
from tests.images.tools import debootstrap

STANDINS = Path(__file__).parent / "standins"
# Variables for access to package indexes, which a build on this machine needs as well. The values are taken from the environment.
PASSED_ON = re.compile(r"(?i)(uv_(default_)?index(_url)?|pip_(extra_)?index_url|https?_proxy|no_proxy)")
BUNDLE = "/etc/ssl/certs/ca-certificates.crt"


def provide_bases(engine: Engine, project: Path, folder: Path) -> dict[str, str]:
    """Pull or make the bases of the Dockerfile; return the made ones, from the name in the Dockerfile to the name of the image."""
    text = (project / "Dockerfile").read_text(encoding="utf-8")
    made: dict[str, str] = {}
    for pinned in sorted(set(re.findall(r"^FROM (\S+:\S+)", text, re.MULTILINE))):
        name = pinned.partition("@")[0]
        if _has(engine, name):  # made by an earlier run
            made[pinned] = name
        elif _missing(engine, pinned):
            make = _make_uv if "/uv:" in name else _make_python
            make(engine, name, folder)
            made[pinned] = name
    return made


def dockerfile(project: Path, made: Mapping[str, str]) -> Path:
    """Return the project's Dockerfile, or a copy beside the project that names the made bases in place of the pinned ones."""
    shipped = project / "Dockerfile"
    if not made:
        return shipped
    text = shipped.read_text(encoding="utf-8")
    for pinned, name in made.items():
        text = text.replace(f"FROM {pinned} ", f"FROM {name} ")
    copy = project.parent / f"{project.name}.Dockerfile"
    copy.write_text(text, encoding="utf-8")
    return copy


def provide_services(engine: Engine, project: Path, folder: Path) -> None:
    """The databases of compose.yaml, and its mail catcher."""
    for path in sorted(project.glob("compose*.yaml")):
        for name, service in yaml.safe_load(path.read_text(encoding="utf-8"))["services"].items():
            if (image := service.get("image")) and _missing(engine, image):
                _make_standin(engine, name, image, folder)


def _missing(engine: Engine, name: str) -> bool:
    """True when an image is neither there nor in a registry that is in reach."""
    return not _has(engine, name) and engine.run("pull", "--quiet", name, check=False).returncode != 0


def _has(engine: Engine, name: str) -> bool:
    return engine.run("image", "inspect", name, check=False).returncode == 0


def _make_python(engine: Engine, name: str, folder: Path) -> None:
    """Debian's Python at the place of the official image's, whose library has no bytecode either."""
    archive = folder / "python.tar"
    assert ":3.13-slim-trixie" in name, "Debian 13 has Python 3.13 alone"
    hooks = [
        'ln -s /usr/bin/python3 "$1/usr/local/bin/python3"',
        'ln -s /usr/bin/python3 "$1/usr/local/bin/python"',
        'find "$1/usr/lib/python3.13" -name "*.pyc" -delete',
        *([f'cat "{trusted}" >"$1{BUNDLE}"'] if (trusted := os.environ.get("SSL_CERT_FILE")) else []),
    ]
    packages = ("python3", "ca-certificates", "netbase", "tzdata")
    debootstrap(archive, packages, "--variant=minbase", *(f"--customize-hook={hook}" for hook in hooks))
    variables = {name: value for name, value in os.environ.items() if PASSED_ON.fullmatch(name)}
    if "SSL_CERT_FILE" in os.environ:
        variables["SSL_CERT_FILE"] = BUNDLE
    _import(engine, archive, name, 'CMD ["python3"]', *(f'ENV {key}="{value}"' for key, value in variables.items()))


def _make_uv(engine: Engine, name: str, folder: Path) -> None:
    """The binary of uv's wheel, alone in an image."""
    environment, version = folder / "uv", name.rpartition(":")[2]
    subprocess.run([required("uv"), "venv", "--quiet", environment], check=True)
    subprocess.run([required("uv"), "pip", "install", "--quiet", "--python", environment, f"uv=={version}"], check=True)
    archive = folder / "uv.tar"
    subprocess.run([required("tar"), "-cf", archive, "-C", environment / "bin", "uv"], check=True)
    _import(engine, archive, name)


def _make_standin(engine: Engine, service: str, image: str, folder: Path) -> None:
    """Build an image with Debian's PostgreSQL and Valkey and a small mail catcher, which takes the commands of compose.yaml."""
    common = "standin:databases"
    if not _has(engine, common):
        archive = folder / "databases.tar"
        # PostgreSQL's expression compiler (JIT) accounts for half of the size.
        left_out = [f"--dpkgopt=path-exclude={path}" for path in ("*/libLLVM*", "/usr/share/doc/*", "/usr/share/locale/*")]
        debootstrap(archive, ("postgresql-17", "valkey-server", "python3"), "--variant=minbase", *left_out)
        _import(engine, archive, common)
    context = folder / service
    shutil.copytree(STANDINS, context)
    engine.docker("build", "--quiet", "--file", f"{service}.Dockerfile", "--tag", image, ".", cwd=context)


def _import(engine: Engine, archive: Path, name: str, *changes: str) -> None:
    engine.docker("import", *(f"--change={change}" for change in changes), str(archive), name)
    archive.unlink()
