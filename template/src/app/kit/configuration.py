"""Settings from the environment, in typed sections. Every wrong value is reported with the remedy."""

import fcntl
import json
import os
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Self

from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

_PACKAGE_ROOT = Path(__file__).resolve().parents[3]

# In the data folder of `app dev`, which writes it.
DEV_ADDRESSES = "addresses.env"

MINIMUM_SECRET_LENGTH = 32
# About one in 10**6 random secrets of 32 hexadecimal digits, the smallest alphabet in use, has fewer distinct digits.
_DISTINCT = 9


class Environment(StrEnum):
    """Where the process runs. The first two are one developer's machine."""

    DEVELOPMENT = "development"
    TEST = "test"
    DEV = "dev"
    STAGING = "staging"
    PRODUCTION = "production"

    @property
    def is_local(self) -> bool:
        """True where default secrets and plain connections are acceptable."""
        return self in (Environment.DEVELOPMENT, Environment.TEST)


@dataclass(frozen=True, slots=True)
class Fault:
    """A wrong setting: the variable, the fault and the remedy."""

    variable: str
    fault: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.variable}: {self.fault}; {self.remedy}"


class ConfigurationError(Exception):
    """The process cannot start with these settings. Its text has one line per variable."""

    def __init__(self, faults: list[Fault]) -> None:
        self.faults = faults
        super().__init__("\n".join(str(fault) for fault in faults))


def project_root() -> Path:
    """The directory that holds project.env: the working directory, or else the source checkout."""
    working_directory = Path.cwd()
    return working_directory if (working_directory / "project.env").exists() else _PACKAGE_ROOT


def environment_files() -> tuple[Path, ...]:
    """Files read before the environment, weakest first. Tests do not read those of a developer's machine."""
    root = project_root()
    environment = os.environ.get("ENVIRONMENT") or Environment.DEVELOPMENT
    if environment == Environment.TEST:
        return (root / "project.env",)
    addresses = _addresses_of_dev() if environment == Environment.DEVELOPMENT else ()
    return (root / "project.env", *addresses, root / ".env")


def dev_directory() -> Path:
    """The data folder of `app dev`: DEV_DATA, or `.dev` beside project.env."""
    return Path(os.environ.get("DEV_DATA") or project_root() / ".dev")


def _addresses_of_dev() -> tuple[Path, ...]:
    """The file with the addresses of a running `app dev`. It is locked, so a killed run's file is ignored."""
    file = dev_directory() / DEV_ADDRESSES
    try:
        with file.open() as addresses:
            fcntl.flock(addresses, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return (file,)
    except OSError:
        return ()
    return ()


class Section(BaseSettings):
    """Settings of one part of the service. A feature brings its own section."""

    # An empty variable counts as absent: a ConfigMap may contain `HOST=` when no host is set.
    model_config = SettingsConfigDict(extra="ignore", env_ignore_empty=True, frozen=True)

    environment: Environment = Field(
        default=Environment.DEVELOPMENT, description="development, test, dev, staging or production"
    )

    def faults(self) -> Iterator[Fault]:
        """Yield faults that types cannot express, such as a default secret in production."""
        yield from ()

    @classmethod
    def load(cls) -> Self:
        """Read the section. Raises ConfigurationError naming every wrong variable."""
        try:
            section = cls(_env_file=environment_files())
        except ValidationError as error:
            raise ConfigurationError([_fault(cls, detail) for detail in _details(error)]) from None
        if found := list(section.faults()):
            raise ConfigurationError(found)
        return section


def parse_json(value: object) -> object:
    """Read the text of a variable as JSON, before its type is checked. Raises ValueError."""
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except ValueError:
        raise ValueError("is not JSON") from None


def secret_faults(variable: str, value: str, published: Collection[str], environment: Environment) -> Iterator[Fault]:
    """Yield a fault for a short secret and, outside development, for a secret that can be guessed.

    `published` are the defaults of development, of this secret and of others.
    """
    remedy = f"set at least {MINIMUM_SECRET_LENGTH} random characters, such as `openssl rand -hex 32` prints"
    if len(value) < MINIMUM_SECRET_LENGTH:
        yield Fault(variable, f"has {len(value)} characters", remedy)
    elif environment.is_local:
        return
    elif value in published:
        yield Fault(variable, "is the development default", remedy)
    elif len(set(value)) < _DISTINCT or value in (value + value)[1:-1]:
        yield Fault(variable, "repeats itself", remedy)


def equal_faults(secrets: Mapping[str, str], environment: Environment) -> Iterator[Fault]:
    """Yield a fault for each secret that repeats the value of an earlier one, outside development."""
    seen: dict[str, str] = {}
    for variable, value in secrets.items():
        if not value or environment.is_local:
            continue
        if first := seen.get(value):
            yield Fault(variable, f"is {first} too", "set another value, so that a leaked value opens one door only")
        seen.setdefault(value, variable)


def _details(error: ValidationError) -> list[tuple[str, str]]:
    return [(".".join(str(part) for part in item["loc"]), item["msg"]) for item in error.errors()]


def _fault(section: type[Section], detail: tuple[str, str]) -> Fault:
    location, message = detail
    field = section.model_fields.get(location.split(".")[0])
    remedy = field.description if field is not None and field.description else "see .env.example"
    return Fault(location.upper() or section.__name__, message, f"expected: {remedy}")
