"""A step of the first deployment."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from ops.doctor.context import Context
from ops.errors import OpsError


class PersonNeededError(OpsError):
    """A person has to do the next step, which the message describes. The next run continues from there."""


@dataclass
class Walk:
    """One run: the environment, and whether questions are answered in advance."""

    context: Context
    yes: bool

    def again(self) -> Context:
        """Return a fresh context: values read before a step may be out of date after it."""
        self.context = Context(self.context.root, self.context.environment)
        return self.context


@dataclass(frozen=True, slots=True)
class Step:
    """One step: a check whether it is done, its action, and the expected duration.

    `done` looks and changes nothing. `act` raises OpsError, or PersonNeededError when it may not go on alone; running
    it twice does no harm.
    """

    name: str
    takes: str
    done: Callable[[Walk], bool]
    act: Callable[[Walk], None]
    applies: Callable[[Context], bool] = field(default=lambda _: True)
    verify: bool = True
    """Whether to look once more after the act."""


def walk(steps: Sequence[Step], run: Walk, say: Callable[[str], None]) -> None:
    """Run the steps in order. Raises OpsError at the first that fails."""
    chosen = [step for step in steps if step.applies(run.context)]
    for number, step in enumerate(chosen, start=1):
        title = f"{number:>2}/{len(chosen)} {step.name}"
        if step.done(run):
            say(f"{title}: done")
            continue
        say(f"{title}: takes {step.takes}")
        step.act(run)
        run.again()
        if step.verify and not step.done(run):
            raise OpsError(f"{step.name}: ran, but is still not done: uv run ops doctor {run.context.environment}")
        say(f"{title}: done")
