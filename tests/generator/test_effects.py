"""Every question has an effect: different answers render different files.

Renders a project for each question and platform, so it is slow; `test_questions.py` holds quickly who is asked what.
"""

from collections.abc import Mapping
from typing import Any

import pytest
import yaml

from sampan import matrix, reference
from tests.generator.test_questions import CREATE
from tests.harness import ANSWERS_FILE, Renderer, files_of

pytestmark = pytest.mark.slow

QUESTIONS = reference.questions()
BASE: dict[str, Any] = {"domain": "api.example.com", "environments": ["dev", "production"], "languages": ["en", "id"]}
"""Answers under which every option can have an effect."""

OTHERS: dict[str, Any] = {
    "cache_node_type": "cache.t4g.small",
    "db_storage_gb": 50,
    "default_language": "id",
    "description": "What another service is for",
    "github_owner": "acme",
    "monthly_budget_usd": 77,
    "node_max": 9,
    "node_min": 3,
    "owner_email": "owner@example.org",
    "platform_name": "another",
    "project_name": "Another",
    "service": "another",
    "team": "another",
    "vpc_cidr": "10.64.0.0/16",
}
"""A second answer to each question that is not in the matrix."""


def of(platform: str) -> list[str]:
    """Questions of a service that creates its platform, or joins one."""
    return [name for name, details in QUESTIONS.items() if name != "platform" and (platform == "create" or details.get("when") != CREATE)]


def answered(platform: str, question: str) -> list[Mapping[str, Any]]:
    """The base, and the same with each other answer to a question."""
    levels = [OTHERS[question]] if question in OTHERS else [yaml.safe_load(level) for level in matrix.levels()[question]]
    base = {**BASE, "platform": platform, "platform_name": "shared"}
    return [base, *({**base, question: level} for level in levels)]


@pytest.mark.parametrize(("platform", "question"), [(platform, question) for platform in ("create", "join") for question in of(platform)])
def test_another_answer_gives_other_files(platform: str, question: str, render: Renderer) -> None:
    first, *others = ({**files_of(render(answers)), ANSWERS_FILE: b""} for answers in answered(platform, question))
    assert any(files != first for files in others)
