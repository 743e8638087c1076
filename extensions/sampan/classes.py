"""The nearest offered class for an AWS class that is not offered, such as db.t3.nano."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

_NAME = re.compile(r"((?:db|cache)\.)?([a-z]+)(\d+)([a-z0-9-]*)\.(nano|micro|small|medium|large|\d*xlarge)")
_SMALL = ("nano", "micro", "small", "medium", "large")


@dataclass(frozen=True)
class Class:
    """A class of RDS, ElastiCache or EC2: db.t4g.micro is of the service `db.`, letters `t`, generation 4, kind `g` and size `micro`."""

    name: str
    service: str
    letters: str
    generation: int
    kind: str
    size: str

    @classmethod
    def parse(cls, name: str) -> Self | None:
        """Return the parts of a name, or None where it has another form."""
        match = _NAME.fullmatch(name)
        if match is None:
            return None
        service, letters, generation, kind, size = match.groups()
        return cls(name, service or "", letters, int(generation), kind, size)

    @property
    def rank(self) -> int:
        """A number that grows with the size."""
        if self.size in _SMALL:
            return _SMALL.index(self.size)
        return len(_SMALL) + int(self.size.removesuffix("xlarge") or 1)

    def distance(self, other: "Class") -> tuple[int, bool]:
        """How far the family of another class is from this one's: in generations, then by kind."""
        return abs(self.generation - other.generation), self.kind != other.kind


def nearest(name: str, offered: Iterable[str]) -> str | None:
    """Return the offered class nearest to a name: of the same family or the next generation, and of the same size or the next larger.

    The largest of the family where none is as large. None if the name is not a class, or the family has none.
    """
    wanted = Class.parse(name)
    if wanted is None:
        return None
    classes = [found for found in map(Class.parse, offered) if found is not None]
    same = [one for one in classes if (one.service, one.letters) == (wanted.service, wanted.letters)]
    if not same:
        return None
    closest = min(wanted.distance(one) for one in same)
    family = sorted((one for one in same if wanted.distance(one) == closest), key=lambda one: (one.rank, one.name))
    return next((one.name for one in family if one.rank >= wanted.rank), family[-1].name)
