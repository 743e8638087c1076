"""The password of the database's master goes from its secret to the instance, past Terraform's plan and state."""

import itertools
import json
import urllib.request
from pathlib import Path

import pytest

from tests.harness import Renderer
from tests.infrastructure.emulator import Emulator
from tests.infrastructure.stack import Stack

REGION = "ap-southeast-1"
NUMBERS = itertools.count()
SMALL = {"Engine": "postgres", "DBInstanceClass": "db.t3.micro", "AllocatedStorage": 20}
THROWN_AWAY, KEPT = "thrown away by Terraform", "kept" * 5


@pytest.fixture
def stack(aws: Emulator, render: Renderer, tmp_path: Path) -> Stack:
    name = f"master{next(NUMBERS)}"
    aws.client("secretsmanager", REGION).create_secret(
        Name=f"{name}/dev/database-master", SecretString=json.dumps({"username": "master_user", "password": KEPT})
    )
    aws.client("rds", REGION).create_db_instance(
        DBInstanceIdentifier=f"{name}-dev", MasterUsername="master_user", MasterUserPassword=THROWN_AWAY, **SMALL
    )
    return Stack(aws, render.workspace(tmp_path / "project", {"service": "pocket"}), name, "dev")


def carry(stack: Stack) -> "tuple[int, str]":
    """Run the module's script. Return its exit status and its error output."""
    facts = (f"REGION={REGION}", f"SECRET={stack.service}/dev/database-master", f"DATABASE={stack.service}-dev")
    done = stack.run("env", *facts, "bash", "infra/modules/database/set_password.sh")
    return done.returncode, done.stderr


def password(stack: Stack) -> str:
    """Return the database's password from the emulator's data."""
    with urllib.request.urlopen(f"{stack.emulator.endpoint}/moto-api/data.json") as answer:  # noqa: S310  loopback
        instances = json.load(answer)["rds"]["DBInstance"]
    # moto stores copies of each instance's state before a change.
    return str(next(each["master_user_password"] for each in instances if each["db_instance_identifier"] == f"{stack.service}-dev"))


def test_the_master_gets_the_secrets_password(stack: Stack) -> None:
    assert password(stack) == THROWN_AWAY
    assert carry(stack) == (0, "")
    assert password(stack) == KEPT


def test_an_unusable_secret_is_refused(stack: Stack) -> None:
    stack.emulator.client("secretsmanager", REGION).put_secret_value(
        SecretId=f"{stack.service}/dev/database-master", SecretString='{"password": "a\\"b"}'
    )
    status, said = carry(stack)
    assert status == 1
    assert "holds no password of letters and digits" in said
    assert password(stack) == THROWN_AWAY


def test_a_password_applies_no_change_that_waits_for_its_window(stack: Stack) -> None:
    """ApplyImmediately applies all pending modifications; a new master password ignores it and is set at once in any case.

    https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_ModifyInstance.ApplyImmediately.html
    """
    rds = stack.emulator.client("rds", REGION)
    rds.modify_db_instance(DBInstanceIdentifier=f"{stack.service}-dev", AllocatedStorage=40, ApplyImmediately=False)
    script = (stack.project / "infra/modules/database/set_password.sh").read_text(encoding="utf-8")
    (request,) = [line for line in script.splitlines() if "MasterUserPassword" in line and "printf" in line]
    assert "ApplyImmediately" not in request
    assert carry(stack) == (0, "")
    assert password(stack) == KEPT
