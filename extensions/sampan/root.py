"""Location of the template: the checkout, or the snapshot that a wheel carries."""

from functools import cache
from pathlib import Path
from typing import Final

import yaml

PACKAGED: Final = Path(__file__).parent / "_template"
"""In a wheel, pyproject.toml puts copier.yml, extensions/ and template/ here."""
CHECKOUT: Final = Path(__file__).parents[2]


def is_packaged() -> bool:
    """Whether this is a built wheel: a snapshot of one version, without git."""
    return PACKAGED.is_dir()


def root() -> Path:
    """Return the folder with copier.yml, extensions/ and template/."""
    return PACKAGED if is_packaged() else CHECKOUT


def catalogue() -> Path:
    """Return the folder of the facts."""
    return root() / "extensions" / "catalogue"


@cache
def profiles() -> tuple[str, ...]:
    """Return the names of the profiles, the cheapest first."""
    table = yaml.safe_load((catalogue() / "profiles.yaml").read_text(encoding="utf-8"))
    return tuple(table["names"].split())
