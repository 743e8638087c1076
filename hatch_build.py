"""Build hook of the wheel: the snapshot of the template that `sampan` needs outside a checkout.

An editable installation gets none: it uses the checkout.
"""

from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

SNAPSHOT = "sampan/_template"
"""Read as `sampan.root.PACKAGED`."""


class TemplateSnapshot(BuildHookInterface[Any]):
    """Puts copier.yml, the macros, the facts and the template's files into the wheel."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Add the snapshot to a standard wheel, and nothing to an editable one."""
        if version == "editable":
            return
        root = Path(self.root)
        parts = ["copier.yml", "template", "extensions/catalogue", *(f"extensions/{path.name}" for path in root.glob("extensions/*.jinja"))]
        build_data["force_include"].update({str(root / part): f"{SNAPSHOT}/{part}" for part in parts})
