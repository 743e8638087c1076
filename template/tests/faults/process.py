"""`app`, with the feature of these tests among its own: `python -m tests.faults.process api --port 8000`."""

from collections.abc import Sequence

from app import composition
from app.composition import Feature
from tests.faults.probe import feature

_discover = composition.discover


def discover() -> Sequence[Feature]:
    """The service's features, and the probe."""
    return (*_discover(), feature)


if __name__ == "__main__":
    # Replace the function before any module imports it by name.
    composition.discover = discover  # type: ignore[assignment]  # a sequence serves as well
    from app.cli import main

    main()
