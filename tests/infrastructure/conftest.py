"""One emulator and one planner for the whole session."""

from collections.abc import Iterator

import pytest

from tests.harness import Renderer
from tests.infrastructure.emulator import Emulator, emulated_aws
from tests.infrastructure.terraform import Planner
from tests.infrastructure.variants import VARIANTS, cases


@pytest.fixture(scope="session")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    """An emulated AWS."""
    with emulated_aws(tmp_path_factory.mktemp("moto") / "moto.log") as emulator:
        yield emulator


@pytest.fixture(scope="session")
def plans(aws: Emulator, render: Renderer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Planner]:
    """Plans of all cases, under way in the background."""
    planner = Planner(aws, tmp_path_factory.mktemp("plans"))
    for case in cases("bootstrap", "platform", "service"):
        planner.start(case, render(VARIANTS[case.variant]))
    yield planner
    planner.pool.shutdown(cancel_futures=True)
