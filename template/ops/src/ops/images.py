"""The images of a release, by digest."""

import re
from dataclasses import dataclass
from typing import Self

from ops.contract import Contract
from ops.errors import OpsError

_DIGEST = re.compile(r"(?:[^@\s]+@)?(sha256:[0-9a-f]{64})")


@dataclass(frozen=True, slots=True)
class Images:
    """Digests, `sha256:…`, one per target of the Dockerfile."""

    api: str
    worker: str
    migrate: str

    @classmethod
    def of(cls, api: str, worker: str, migrate: str) -> Self:
        """Parse digests or full references. Raises OpsError for tags, because they can move."""
        return cls(_digest("api", api), _digest("worker", worker), _digest("migrate", migrate))

    def references(self, contract: Contract) -> list[tuple[str, str, str]]:
        """Name in the manifests, repository and digest of each image."""
        return [
            ("api", contract.api_repository_url, self.api),
            ("worker", contract.worker_repository_url, self.worker),
            ("migrate", contract.migrate_repository_url, self.migrate),
        ]


def _digest(target: str, reference: str) -> str:
    found = _DIGEST.fullmatch(reference)
    if found is None:
        raise OpsError(f"--image-{target} takes a digest, sha256: and 64 hexadecimal digits, not {reference!r}")
    return found[1]
