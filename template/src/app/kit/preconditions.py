"""Optimistic concurrency (RFC 9110, section 13.1.1; RFC 6585, section 3): a change names its base version.

A resource has a version, a number that every change increases. The service sends it as `ETag`, and clients return it
as `If-Match`.
"""

import re
from typing import Annotated

from fastapi import Header

from app.kit.context import current_language
from app.kit.i18n import N_
from app.kit.problems import Problem

# Weak tags never match (RFC 9110, section 8.8.3.2), so they are not found.
_STRONG_TAG = re.compile(r'(?:^|[,\s])"([0-9]{1,18})(?:-[A-Za-z-]+)?"')

IfMatch = Annotated[
    str | None,
    Header(
        alias="If-Match",
        max_length=1_000,
        description="The `ETag` of the version that the change was made from, or `*` for whichever there is",
    ),
]


class PreconditionFailed(Problem):
    """Someone else changed the resource in between."""

    status = 412
    slug = "precondition-failed"
    title = N_("Changed in the meantime")
    detail = N_("This version is out of date. Read the current one, and repeat the change with its ETag.")


class PreconditionRequired(Problem):
    """A change without `If-Match` could overwrite a change that its author has not seen."""

    status = 428
    slug = "precondition-required"
    title = N_("Version required")
    detail = N_("Send the ETag of the version that you changed in the header If-Match.")


def etag(version: int) -> str:
    """The tag of a version in the language of the answer: a strong tag belongs to one representation."""
    return f'"{version}-{current_language()}"'


def check_version(if_match: str | None, version: int) -> None:
    """Raise PreconditionFailed if a header names only other versions. Without a header, every version passes."""
    if if_match is None or if_match.strip() == "*":
        return
    if str(version) not in _STRONG_TAG.findall(if_match):
        raise PreconditionFailed
