"""Long waits. Each has a limit, and reports to standard error every 30 s that it is still waiting."""

from datetime import timedelta

from ops import clock
from ops.output import note

INTERVAL = timedelta(seconds=30)


class Wait:
    """A wait for something, for at most `seconds`. It begins when it is created."""

    def __init__(self, what: str, seconds: float) -> None:
        self._what = what
        self._limit = timedelta(seconds=seconds)
        self._start = clock.now()
        self._next_report = self._start + INTERVAL

    @property
    def is_over(self) -> bool:
        """Whether the limit has passed."""
        return clock.now() - self._start > self._limit

    def pause(self, seconds: float) -> None:
        """Sleep until the next look, and report."""
        clock.sleep(seconds)
        self.report()

    def report(self) -> None:
        """Print a line of progress if the last one is 30 s old. Call it in a loop that waits elsewhere."""
        now = clock.now()
        if now < self._next_report:
            return
        self._next_report = now + INTERVAL
        waited, most = (now - self._start).total_seconds(), self._limit.total_seconds()
        note(f"waiting for {self._what}: {waited:.0f} s so far, {most:.0f} s at most")
