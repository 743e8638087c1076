"""The questionnaire in a terminal of 80 x 24, as a person answers it: every profile can be chosen."""

import sys
from pathlib import Path

import pytest

from sampan import reference
from tests.harness import copy_questionnaire
from tests.terminal import DOWN, ENTER, UP, Terminal

PROFILES = ("sandbox", "startup", "production", "regulated")
NEEDS_DOMAIN = ("production", "regulated")


def asked() -> list[tuple[str, str]]:
    """The questions that are asked of a service with a platform of its own, in order: name and help."""
    return [(name, details["help"]) for name, details in reference.questions().items() if details.get("ask", True) is True]


@pytest.mark.parametrize("profile", PROFILES)
def test_every_profile_can_be_chosen(profile: str, tmp_path: Path) -> None:
    template = copy_questionnaire(tmp_path / "template")
    command = [sys.executable, "-m", "copier", "copy", str(template), "project"]
    with Terminal(command, tmp_path) as terminal:
        for name, words in asked():
            terminal.expect(words[:60])
            if name == "profile":
                distance = PROFILES.index(profile) - PROFILES.index("startup")
                terminal.send((DOWN if distance > 0 else UP) * abs(distance) + ENTER)
            elif name == "domain" and profile in NEEDS_DOMAIN:
                terminal.send(ENTER)
                terminal.expect("write a host such as api.example.com")
                terminal.send(f"api.example.com{ENTER}")
            else:
                terminal.send(ENTER)
        code = terminal.end()
    assert code == 0, terminal.text[-2000:]
    assert "Traceback" not in terminal.text
    assert "is ready in" in terminal.text
