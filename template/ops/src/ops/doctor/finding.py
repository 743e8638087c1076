"""A finding: one line that says what is wrong, what to do, and where to read more."""

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from enum import StrEnum

from ops.doctor.context import Context


class Severity(StrEnum):
    """An error stops the deployment; a warning is a risk that somebody has to accept."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Finding:
    """One fault."""

    severity: Severity
    check: str
    problem: str
    remedy: str
    docs: str

    def __str__(self) -> str:
        text = f"{self.severity:<7}  {self.check}: {self.problem}. {self.remedy} [{self.docs}]"
        return " ".join(text.split("\n"))

    def as_dict(self) -> dict[str, str]:
        """For JSON."""
        return asdict(self)


Check = Callable[[Context], Iterator[Finding]]
GUIDE = "docs/first-deployment.md"


def error(check: str, problem: str, remedy: str, anchor: str) -> Finding:
    """A fault that stops the deployment, explained in a section of the guide."""
    return Finding(Severity.ERROR, check, problem, remedy, f"{GUIDE}#{anchor}")


def warning(check: str, problem: str, remedy: str, anchor: str) -> Finding:
    """A risk, explained in a section of the guide."""
    return Finding(Severity.WARNING, check, problem, remedy, f"{GUIDE}#{anchor}")
