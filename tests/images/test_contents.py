"""The contents and the size of the images, built from the unchanged Dockerfile."""

import tarfile
from pathlib import Path

import pytest

from tests.images.world import BUILT, RELEASE, SOURCE, TARGETS, World

pytestmark = pytest.mark.slow

# Megabytes above the base. "everything" has the SDK of AWS and OpenTelemetry's exporter, and formats of seven languages.
LIMITS = {"defaults": 60, "everything": 80, "smallest": 60}


@pytest.mark.parametrize("variant", BUILT)
@pytest.mark.parametrize("target", TARGETS)
def test_size(world: World, target: str, variant: str, note: list[str]) -> None:
    base = world.inspect(world.base())["Size"]
    size = world.inspect(world.image(target, variant))["Size"]
    note.append(f"image {variant:<10} {target:<8} {size / 1e6:6.1f} MB, {(size - base) / 1e6:5.1f} MB above the base")
    assert 20e6 < size - base <= LIMITS[variant] * 1e6


@pytest.mark.parametrize("variant", BUILT)
def test_the_targets_share_every_layer(world: World, variant: str) -> None:
    layers = {target: tuple(world.inspect(world.image(target, variant))["RootFS"]["Layers"]) for target in TARGETS}
    assert len(set(layers.values())) == 1
    base = world.inspect(world.base())["RootFS"]["Layers"]
    assert list(layers["api"][: len(base)]) == base


def test_a_change_of_the_service_moves_a_small_layer_alone(world: World) -> None:
    before, after = (world.inspect(world.image("api", variant)) for variant in ("defaults", "changed"))
    same = [old == new for old, new in zip(before["RootFS"]["Layers"], after["RootFS"]["Layers"], strict=True)]
    assert same == [*[True] * (len(same) - 1), False]
    last = world.engine.docker("history", "--no-trunc", "--human=false", "--format={{.Size}} {{.CreatedBy}}", world.image("api", "changed"))
    sizes = [int(line.split()[0]) for line in last.splitlines() if "/app/service" in line and "COPY" in line]
    assert len(sizes) == 1
    assert 0 < sizes[0] < 3e6


@pytest.mark.parametrize("variant", BUILT)
@pytest.mark.parametrize("target", TARGETS)
def test_what_the_image_says_of_itself(world: World, target: str, variant: str) -> None:
    config = world.inspect(world.image(target, variant))["Config"]
    assert config["User"] == "10001:10001"
    assert config["StopSignal"] == "SIGTERM"
    assert config["Cmd"] == ["app", target]
    assert config["Labels"] == {
        "org.opencontainers.image.title": target,
        "org.opencontainers.image.version": RELEASE,
        "org.opencontainers.image.revision": RELEASE,
        "org.opencontainers.image.source": SOURCE,
    }
    assert f"RELEASE={RELEASE}" in config["Env"]
    assert list(config.get("ExposedPorts") or {}) == {"api": ["8000/tcp"], "worker": ["8001/tcp"], "migrate": []}[target]
    assert config["Healthcheck"]["Test"][0] == ("NONE" if target == "migrate" else "CMD")


def files(world: World, image: str, folder: Path) -> dict[str, tarfile.TarInfo]:
    """Every file of an image by its path, without the first slash."""
    archive = folder / "image.tar"
    container = world.engine.docker("create", image)
    world.engine.docker("export", f"--output={archive}", container)
    world.engine.docker("rm", container)
    with tarfile.open(archive) as tar:
        found = {member.name: member for member in tar.getmembers()}
    archive.unlink()
    return found


@pytest.mark.parametrize("variant", BUILT)
def test_the_image_adds_the_service_and_nothing_that_built_it(world: World, variant: str, tmp_path: Path) -> None:
    base = files(world, world.base(), tmp_path)
    image = files(world, world.image("api", variant), tmp_path)
    added = {name: member for name, member in image.items() if name not in base}
    assert {name for name in added if name.count("/") <= 1} == {"app", "app/.venv", "app/certs", "app/project.env", "app/service"}
    assert not [name for name in added if name != "app" and not name.startswith("app/")]
    programs = {Path(name).name for name in image if "/bin/" in name}
    assert {"python3", "app"} <= programs
    assert not programs & {"uv", "uvx", "gcc", "cc", "g++", "make", "git", "pytest", "mypy", "ruff"}
    unwanted = (".git", "uv.lock", ".env", "pip", "rich", "hatchling", "pytest", "mypy", ".cache", "tests")
    assert not [name for name in added if Path(name).name in unwanted]
    assert not [name for name in added if name.endswith((".key", ".pyx", ".c"))]
    assert [name for name in added if name.endswith(".pem") and "site-packages" not in name] == ["app/certs/rds.pem"]
    # Only root may change a file, and everybody may read it.
    writable = [name for name, member in added.items() if not member.issym() and (member.mode & 0o022 or member.uid)]
    assert not writable
    assert not [name for name, member in added.items() if member.isfile() and not member.mode & 0o004]


def test_sources_and_bytecode_of_the_service_are_both_there(world: World, tmp_path: Path) -> None:
    names = files(world, world.image("api"), tmp_path)
    sources = [name for name in names if name.startswith("app/service/app/") and name.endswith(".py")]
    compiled = [name for name in names if name.startswith("app/service/app/") and name.endswith(".cpython-313.pyc")]
    assert len(sources) > 100
    assert len(compiled) > 0.7 * len(sources)
    third = [name for name in names if "/site-packages/" in name and name.endswith(".cpython-313.pyc")]
    assert len(third) > 400
    # The first requests import these modules. Compiling them then would cost the process 9 MiB.
    for first in ("anyio/_backends/__pycache__/_asyncio", "babel/__pycache__/numbers"):
        assert [name for name in third if name.endswith(f"{first}.cpython-313.pyc")]


def python(world: World, variant: str, code: str) -> str:
    """Return the output of a line of Python in a container; standard output and error."""
    command = ["run", "--rm", "--network=none", "--read-only", "--cap-drop=ALL", world.image("api", variant), "python", "-c", code]
    run = world.engine.run(*command, check=False)
    return run.stdout + run.stderr


def test_a_traceback_shows_lines_of_the_service_and_of_packages(world: World) -> None:
    said = python(world, "defaults", "from app.kit.money import format_minor; format_minor('a', 'USD', 'en')")
    assert "/app/service/app/kit/money.py" in said
    assert "if amount >= 0" in said
    said = python(world, "defaults", "from sqlalchemy import create_engine; create_engine('sqlite://')")
    assert "site-packages/sqlalchemy" in said
    assert "No module named 'sqlalchemy.dialects.sqlite'" in said or "NoSuchModuleError" in said


FORMATS = """
from datetime import date
from babel.dates import format_date
from app.kit.money import format_minor
from app.settings import Settings
for code in Settings.load().language_codes:
    print(code, format_date(date(2026, 3, 1), "long", code), format_minor(123456, "USD", code))
"""


@pytest.mark.parametrize("variant", BUILT)
def test_money_and_dates_are_written_in_the_projects_languages(world: World, variant: str) -> None:
    said = python(world, variant, FORMATS)
    lines = dict(line.split(maxsplit=1) for line in said.splitlines())
    languages = BUILT[variant].get("languages", ["en"])
    assert sorted(lines) == sorted(languages), said
    assert lines["en"].startswith("March 1, 2026 $1,234.56")
    if "id" in lines:
        assert lines["id"].startswith("1 Maret 2026 ")


def test_the_client_of_the_mail_service_knows_its_calls(world: World) -> None:
    said = python(
        world, "everything", "import boto3; print(boto3.client('sesv2', region_name='ap-southeast-1').meta.method_to_api_mapping)"
    )
    assert "'send_email': 'SendEmail'" in said
