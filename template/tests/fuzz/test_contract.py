"""Each operation of the OpenAPI document under generated requests, valid and invalid, over HTTP."""

import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck
from hypothesis import settings as generation
from schemathesis import Case, CheckFunction
from schemathesis.specs.openapi.checks import positive_data_acceptance

from app.dev.services import free_port
from app.main import create_app
from app.settings import Settings
from tests.identity import SignIn
from tests.waiting import await_answer

pytestmark = pytest.mark.fuzz

# Examples per operation. An operation without input has only a few.
EXAMPLES, AT_LEAST_ON_AVERAGE = 150, 60

# No unknown query parameters are generated, because the service ignores them, as HTTP clients expect. 413: a body that
# violates its schema may be too large to be read. The other statuses are schemathesis' defaults.
_REFUSALS = ["400", "401", "403", "404", "405", "406", "409", "413", "415", "422", "428", "429", "5xx"]
_config = schemathesis.Config.from_dict(
    {
        "generation": {"allow-extra-parameters": False},
        "checks": {"negative_data_rejection": {"expected-statuses": _REFUSALS}},
    }
)
document = schemathesis.openapi.from_dict(create_app(Settings.load()).openapi(), config=_config)
# Prints the names of the service's own limits, because other tests declare more in this process.
NAMES = """
from app.composition import discover
from app.kit.ratelimit import declared_limits
discover()
print(*declared_limits())
"""
# The document cannot define which bytes are a CSV, which token belongs to whom, or which languages are configured.
EXCLUDED: list[CheckFunction] = [positive_data_acceptance]

_statuses: Counter[int] = Counter()


@pytest.fixture(scope="module")
def server(settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The API as a separate process. Its log must contain no failed request."""
    url, file = f"http://127.0.0.1:{free_port()}", tmp_path_factory.mktemp("fuzz") / "api.log"
    command = [sys.executable, "-m", "app", "api", "--host", "127.0.0.1", "--port", url.rpartition(":")[2]]
    with file.open("w") as output:
        process = subprocess.Popen(
            command, env={**os.environ, "RATE_LIMITS": _no_limits()}, stdout=output, stderr=subprocess.STDOUT
        )
        try:
            await_answer(f"{url}{settings.route_prefix}/health/ready", process)
            yield url
        finally:
            process.terminate()
            process.wait(60)
    log = file.read_text()
    assert "Traceback" not in log
    assert "[error" not in log


def _no_limits() -> str:
    """Other tests cover the limits, which would refuse most requests here."""
    names = subprocess.run([sys.executable, "-c", NAMES], stdout=subprocess.PIPE, text=True, check=True).stdout.split()
    return json.dumps(dict.fromkeys(names, "1000000/60"))


@pytest.fixture
async def token(sign_in: SignIn) -> str:
    """The token of an administrator, fresh for each operation: some of them end the session."""
    return (await sign_in("fuzz@example.com", "admin")).token


@document.parametrize()
@generation(max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_service_keeps_its_contract(case: Case[Any], server: str, token: str) -> None:
    bearer = {"Authorization": f"Bearer {token}"}
    answer = case.call_and_validate(base_url=server, headers=bearer, excluded_checks=EXCLUDED)
    _statuses[answer.status_code] += 1


def test_that_was_many_cases(capsys: pytest.CaptureFixture[str]) -> None:
    operations = sum(1 for _ in document.get_all_operations())
    with capsys.disabled():
        summary = f"{_statuses.total()} cases of {operations} operations: {dict(sorted(_statuses.items()))}"
        print(summary)  # noqa: T201  what the run was worth
    assert _statuses.total() >= operations * AT_LEAST_ON_AVERAGE
