"""Features are found, and wrong ones refused by name."""

from pathlib import Path

import pytest

from app import composition
from app.composition import Feature, FeatureError, TaskHandler, TaskRun, discover, feature_packages, provider
from app.kit.queue import NoPayload, TaskKind


async def handler(_run: TaskRun, _payload: NoPayload) -> None:
    """Do nothing."""


def test_every_package_with_a_feature_is_found() -> None:
    names = {feature.name for feature in discover()}
    assert {"health", "tasks"} <= names
    assert names == set(feature_packages())


def test_exactly_one_feature_brings_the_authenticator_and_the_mailer() -> None:
    provider(discover(), "authenticator", lambda feature: feature.authenticator)
    provider(discover(), "mailer", lambda feature: feature.mailer)


@pytest.mark.parametrize("count", [0, 2])
def test_none_or_two_of_a_part_are_refused(count: int) -> None:
    found = [Feature(name=f"feature-{number}", mailer=lambda _resources: None) for number in range(count)]  # type: ignore[arg-type,return-value]  # never called
    with pytest.raises(FeatureError, match="exactly one feature must bring the mailer"):
        provider(found, "mailer", lambda feature: feature.mailer)


def test_a_package_without_a_feature_object_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.health.feature.feature", "nothing")
    with pytest.raises(FeatureError, match=r"app/health/feature\.py must define `feature`"):
        discover()


def test_two_features_may_not_handle_one_kind(monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = Feature(name="health", task_handlers=[TaskHandler(TaskKind("mail.send", NoPayload), handler)])
    monkeypatch.setattr("app.health.feature.feature", wrong)
    with pytest.raises(FeatureError, match=r"'mail.send' is handled by both health and tasks"):
        composition.discover()


def test_features_ask_for_parts_of_the_process_with_dependencies() -> None:
    """Not through `app.state`, which has no types. The state of serving is health's own."""
    package = Path(composition.__file__).parent
    modules = [path for name in feature_packages() for path in (package / name).rglob("*.py")]
    assert len(modules) > 10
    raw = [str(path.relative_to(package)) for path in modules if "app.state." in path.read_text(encoding="utf-8")]
    assert raw == ["health/routes.py"]
