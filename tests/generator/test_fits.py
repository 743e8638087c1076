"""Answers that do not fit are refused with the number in question and the smallest remedy, and wrong names with a name that is offered."""

import re
from collections.abc import Iterator
from typing import Any

import pytest

from sampan.questionnaire import Questionnaire


@pytest.fixture(scope="module")
def questionnaire() -> Iterator[Questionnaire]:
    with Questionnaire() as ready:
        yield ready


REFUSED: list[tuple[dict[str, Any], str, str]] = [
    ({"node_min": 1}, "node_min", "choose 2 or more, or larger nodes: 2000 mCPU do not fit in 1480"),
    ({"node_min": 2, "node_max": 2}, "node_max", "choose 5 or more, or larger nodes: 5000 mCPU do not fit in 2760"),
    ({"node_min": 7, "node_max": 6}, "node_max", "choose 7 or more: node_min is 7"),
    ({"node_min": 101, "node_max": 150}, "node_min", "choose at most 100: a node group takes no more by default"),
    ({"node_max": 201}, "node_max", "choose at most 200: one service needs no more"),
    ({"node_instance_type": "t3.small"}, "node_instance_type", "choose larger: a replica needs 256 MiB"),
    ({"az_count": 4}, "az_count", "choose 2 or 3"),
    ({"az_count": 2, "nat_gateways": 3}, "nat_gateways", "choose 1 or 2"),
    ({"vpc_cidr": "10.0.0.0/22"}, "vpc_cidr", "choose /16 to /20, such as 10.0.0.0/16"),
    ({"db_storage_gb": 10}, "db_storage_gb", "choose 20 to 16384, the sizes of gp3 on RDS"),
    ({"cache_replicas": 9}, "cache_replicas", "choose 0 to 5"),
]


@pytest.mark.parametrize(("answers", "question", "message"), REFUSED, ids=lambda value: value if isinstance(value, str) else "")
def test_a_set_that_does_not_fit_gets_its_number_and_a_remedy(
    answers: dict[str, Any], question: str, message: str, questionnaire: Questionnaire
) -> None:
    assert [(finding.question, finding.message) for finding in questionnaire.check(answers).findings] == [(question, message)]


def test_ten_sets_are_refused() -> None:
    """Each of another question or by another rule, with a number in its message."""
    assert len({re.sub(r"\d+", "#", f"{question} {message}") for _, question, message in REFUSED}) >= 10
    assert all(re.search(r"\d", message) for _, _, message in REFUSED)


@pytest.mark.parametrize("region", ["ap-southeast-1", "ap-southeast-3", "us-east-1"])
def test_a_choice_and_its_refusal_fit_a_terminal_of_80_columns(region: str, questionnaire: Questionnaire) -> None:
    """In the list that Copier shows, where three columns come before the name and dash and brackets around the refusal."""
    verdict = questionnaire.check({"aws_region": region})
    lines = [f"   {offer.title}" for offers in verdict.offers.values() for offer in offers if not offer.refusal]
    refused = [f"   - {offer.title} ({offer.refusal})" for offers in verdict.offers.values() for offer in offers if offer.refusal]
    assert len(refused) > 2
    assert [line for line in [*lines, *refused] if len(line) > 80] == []


@pytest.mark.parametrize(
    ("question", "fits", "too_much"),
    [
        ("node_min", 100, 101),
        ("node_max", 200, 201),
        ("nat_gateways", 2, 3),
        ("vpc_cidr", "10.0.0.0/20", "10.0.0.0/21"),
        ("vpc_cidr", "10.0.0.0/16", "10.0.0.0/15"),
        ("db_storage_gb", 20, 19),
        ("db_storage_gb", 16384, 16385),
        ("cache_replicas", 5, 6),
        ("cache_replicas", 0, -1),
    ],
)
def test_a_bound_that_a_remedy_names_is_the_last_that_fits(question: str, fits: Any, too_much: Any, questionnaire: Questionnaire) -> None:
    others = {"az_count": 2} if question == "nat_gateways" else {"node_max": 200} if question == "node_min" else {}
    assert questionnaire.check({**others, question: fits}).findings == ()
    assert [finding.question for finding in questionnaire.check({**others, question: too_much}).findings] == [question]


@pytest.mark.parametrize("answers", [{"node_min": 1}, {"node_min": 2, "node_max": 2}, {"node_min": 7, "node_max": 6}])
def test_the_remedy_is_the_smallest_that_fits(answers: dict[str, Any], questionnaire: Questionnaire) -> None:
    [finding] = questionnaire.check(answers).findings
    named = re.search(r"choose (\d+) or more", finding.message)
    assert named
    least = int(named.group(1))
    assert questionnaire.check({**answers, finding.question: least}).findings == ()
    assert questionnaire.check({**answers, finding.question: least - 1}).findings


@pytest.mark.parametrize(
    ("question", "name", "offered"),
    [
        ("db_instance_class", "db.t3.nano", "db.t3.micro:"),
        ("db_instance_class", "db.m5.4xlarge", "db.m7g.xlarge:"),
        ("cache_node_type", "cache.t2.nano", "cache.t3.micro:"),
        ("node_instance_type", "t2.micro", "t3.medium:"),
        ("node_instance_type", "t3.meduim", "t3.medium"),
        ("aws_region", "ap-southeast-9", "ap-southeast-"),
        ("profile", "productionn", "production"),
    ],
)
def test_a_name_that_does_not_exist_gets_one_that_does(question: str, name: str, offered: str, questionnaire: Questionnaire) -> None:
    [finding] = questionnaire.check({question: name}).findings
    assert finding.message.startswith(f"choose {offered}")
    assert name in finding.message
