"""What the deploy role's commands ask of AWS, as recorded calls of IAM."""

from pathlib import Path

from tests.infrastructure.recording import calls

COMMANDS = ("canary", "deploy", "rollback")
"""Commands of `ops` that workflows run in the deploy role; the deployer's access key names the command."""

RECORDED = Path(__file__).with_name("recorded_calls.txt")
RECORDED_CALLS = set(RECORDED.read_text(encoding="utf-8").splitlines())


def deploys_calls(requests: Path, start: int = 0) -> set[str]:
    """Calls in a file of requests from a byte on, each `command action resource`."""
    return {f"{who} {action} {resource}" for who, action, resource in calls(requests, start) if who in COMMANDS}
