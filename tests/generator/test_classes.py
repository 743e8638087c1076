"""The nearest class that is offered, for many names that are not."""

import itertools

import pytest

from sampan.classes import Class, nearest
from tests.generator.test_catalogue import table

DATABASES = table("databases")["types"].split()
CACHES = table("caches")["types"].split()
INSTANCES = table("instances")["offered"].split()
SIZES = ["nano", "micro", "small", "medium", "large", "xlarge", "2xlarge", "16xlarge"]


@pytest.mark.parametrize(
    ("name", "offered", "expected"),
    [
        ("db.t3.nano", DATABASES, "db.t3.micro"),
        ("db.t4g.nano", DATABASES, "db.t4g.micro"),
        ("db.t2.nano", DATABASES, "db.t3.micro"),
        ("db.t2.small", DATABASES, "db.t3.small"),
        ("db.t3.2xlarge", DATABASES, "db.t3.large"),
        ("db.m5.large", DATABASES, "db.m7g.large"),
        ("db.m6g.8xlarge", DATABASES, "db.m7g.xlarge"),
        ("db.r5.medium", DATABASES, "db.r7g.large"),
        ("cache.t2.nano", CACHES, "cache.t3.micro"),
        ("cache.t3.nano", CACHES, "cache.t3.micro"),
        ("cache.t4g.large", CACHES, "cache.t4g.medium"),
        ("cache.m5.xlarge", CACHES, "cache.m7g.large"),
        ("cache.r6g.4xlarge", CACHES, "cache.r7g.xlarge"),
    ],
)
def test_the_nearest_class_is_of_the_family_and_no_smaller_than_asked_for(name: str, offered: list[str], expected: str) -> None:
    assert nearest(name, offered) == expected


@pytest.mark.parametrize("offered", [DATABASES, CACHES, INSTANCES], ids=["databases", "caches", "instances"])
def test_every_size_of_every_family_has_a_nearest_class(offered: list[str]) -> None:
    families = {name.rpartition(".")[0] for name in offered}
    for family, size in itertools.product(sorted(families), SIZES):
        name = f"{family}.{size}"
        found = nearest(name, offered)
        assert found is not None
        assert found.rpartition(".")[0] == family
        if name in offered:
            assert found == name
        sizes = sorted((one for one in map(Class.parse, offered) if one and one.name.startswith(f"{family}.")), key=lambda one: one.rank)
        wanted = Class.parse(name)
        assert wanted is not None
        assert found == next((one.name for one in sizes if one.rank >= wanted.rank), sizes[-1].name)


@pytest.mark.parametrize("name", ["", "db.t3", "db.t3.meduim", "t3.micro ", "cache.t3.micro", "db.x2g.large", "db.serverless", "3.micro"])
def test_a_name_of_no_family_that_is_offered_has_none(name: str) -> None:
    assert nearest(name, DATABASES) is None
