"""The password of the cache goes from its secret to its user, past Terraform's plan and state."""

import itertools
import json
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from tests.harness import Renderer
from tests.infrastructure.emulator import Emulator
from tests.infrastructure.stack import Stack

REGION = "ap-southeast-1"
NUMBERS = itertools.count()
FIRST, SECOND, THIRD = ("first" * 4, "second" * 4, "third" * 4)


@pytest.fixture
def stack(aws: Emulator, render: Renderer, tmp_path: Path) -> Stack:
    project = render.workspace(tmp_path / "project", {"service": "pocket"})
    name = f"pocket{next(NUMBERS)}"
    aws.client("secretsmanager", REGION).create_secret(Name=f"{name}/dev/cache", SecretString=json.dumps({"password": FIRST}))
    cache = aws.client("elasticache", REGION)
    cache.create_user(
        UserId=f"{name}-app", UserName="app", Engine="valkey", AccessString="on ~* +@all", Passwords=["thrown away by Terraform"]
    )
    return Stack(aws, project, name, "dev")


def carry(stack: Stack) -> Any:
    """Run the module's script."""
    facts = (f"REGION={REGION}", f"SECRET={stack.service}/dev/cache", f"CACHE_USER={stack.service}-app")
    return stack.run("env", *facts, "bash", "infra/modules/cache/set_password.sh")


def passwords(stack: Stack) -> list[str]:
    """Return the passwords of the user `app` from the emulator's data."""
    with urllib.request.urlopen(f"{stack.emulator.endpoint}/moto-api/data.json") as answer:  # noqa: S310  loopback
        users = json.load(answer)["elasticache"]["User"]
    (found,) = (user["passwords"] for user in users if user["id"] == f"{stack.service}-app")
    return list(found)


def test_the_user_gets_the_secrets_password_and_keeps_the_one_before(stack: Stack) -> None:
    assert carry(stack).returncode == 0
    assert passwords(stack) == [FIRST]
    for word, kept in ((SECOND, [SECOND, FIRST]), (THIRD, [THIRD, SECOND])):
        stack.emulator.client("secretsmanager", REGION).put_secret_value(
            SecretId=f"{stack.service}/dev/cache", SecretString=json.dumps({"username": "app", "password": word})
        )
        assert carry(stack).returncode == 0
        assert passwords(stack) == kept


def test_an_unusable_secret_is_refused(stack: Stack) -> None:
    stack.emulator.client("secretsmanager", REGION).put_secret_value(
        SecretId=f"{stack.service}/dev/cache", SecretString='{"password": "a\\"b"}'
    )
    done = carry(stack)
    assert done.returncode == 1
    assert "holds no password of letters and digits" in done.stderr
    assert passwords(stack) == ["thrown away by Terraform"]
