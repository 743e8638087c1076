"""Find the features: every package beside main.py that holds a feature.py."""

import importlib
import pkgutil
from collections.abc import Sequence
from pathlib import Path

from fastapi import APIRouter

from app.kit.features import Feature, FeatureError

_PACKAGE = Path(__file__).parent


def feature_packages() -> list[str]:
    """Names of the packages beside main.py that hold a feature.py, sorted."""
    packages = (module.name for module in pkgutil.iter_modules([str(_PACKAGE)]) if module.ispkg)
    return sorted(name for name in packages if (_PACKAGE / name / "feature.py").exists())


def discover() -> tuple[Feature, ...]:
    """Import every feature. Raises FeatureError naming the package that is wrong."""
    features = tuple(_load(name) for name in feature_packages())
    _refuse_shared_task_kinds(features)
    return features


def routers(features: Sequence[Feature]) -> list[APIRouter]:
    """The features' routers, those with few routes first: a request tries one route after the other, 1 µs each."""
    return sorted((feature.router for feature in features if feature.router), key=_size)


def _size(router: APIRouter) -> int:
    # Newer releases of FastAPI keep a router that was included into another as one entry.
    included = (getattr(route, "original_router", None) for route in router.routes)
    return sum(_size(inner) if isinstance(inner, APIRouter) else 1 for inner in included)


def _load(name: str) -> Feature:
    module = importlib.import_module(f"app.{name}.feature")
    feature = getattr(module, "feature", None)
    if not isinstance(feature, Feature):
        raise FeatureError(f"app/{name}/feature.py must define `feature`, an app.kit.features.Feature")
    return feature


def _refuse_shared_task_kinds(features: Sequence[Feature]) -> None:
    owners: dict[str, str] = {}
    for feature in features:
        for kind in feature.task_handlers:
            if kind in owners:
                raise FeatureError(f"task kind {kind!r} is handled by both {owners[kind]} and {feature.name}")
            owners[kind] = feature.name
