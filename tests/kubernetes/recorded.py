"""The requests of the deploy role's commands to AWS, as recorded IAM calls."""

from pathlib import Path

from tests.infrastructure.recording import calls

COMMANDS = {f"{command}-dev": command for command in ("canary", "deploy", "rollback")}
"""Commands of `ops` that workflows run in the deploy role, by the access key with which the tests run each on dev."""

RECORDED = Path(__file__).with_name("recorded_calls.txt")
RECORDED_CALLS = set(RECORDED.read_text(encoding="utf-8").splitlines())


def deploys_calls(requests: Path, start: int = 0) -> set[str]:
    """Calls in a file of requests from a byte on, each `command action resource`.

    Those that were refused are left out: they come from tests of a wrong cluster.
    """
    found = calls(requests, start, refused=False)
    return {f"{COMMANDS[who]} {action} {resource}" for who, action, resource in found if who in COMMANDS}
