"""Languages: gettext catalogues of every package, read once, and the choice of one for a caller.

A package keeps its messages in `locales/<language>.po`. The message id is the English text.
"""

from collections.abc import Mapping
from functools import cache, lru_cache
from pathlib import Path

from babel.messages.pofile import read_po

_PACKAGE = Path(__file__).parents[1]
# Browsers send fewer than 100 characters.
_LONGEST_HEADER = 256
# Outdated language codes that browsers still send, and their replacements (RFC 5646, BCP 47 registry).
_ALIASES = {"in": "id", "tl": "fil"}


def N_(message: str) -> str:  # noqa: N802  gettext's own name, which its extractors look for
    """Mark a message for translation; it is translated where it is used."""
    return message


def translate(message: str, language: str, **parameters: object) -> str:
    """The message in a language, English where the catalogue lacks it, with `%(name)s` filled in."""
    text = catalogue(language).get(message) or message
    return text % parameters if parameters else text


@cache
def catalogue(language: str) -> Mapping[str, str]:
    """All packages' messages in a language: English text to translation. Empty for English."""
    messages: dict[str, str] = {}
    for path in sorted(_PACKAGE.glob(f"**/locales/{language}.po")):
        with path.open("rb") as file:
            entries = read_po(file, locale=language)
        messages.update({str(entry.id): str(entry.string) for entry in entries if entry.id and entry.string})
    return messages


def negotiate(accept_language: str, available: tuple[str, ...], default: str) -> str:
    """The best of the available languages for an `Accept-Language` header, or the default.

    A region falls back to its language: `zh-Hans-SG` is served `zh`.
    """
    if len(accept_language) > _LONGEST_HEADER:
        # The last entry may be truncated, so it is ignored.
        accept_language = accept_language[:_LONGEST_HEADER].rpartition(",")[0]
    return _negotiated(accept_language.lower(), available, default)


# Browsers send few different headers, but other callers may send anything. The cache bounds their number, and
# `_LONGEST_HEADER` their length.
@lru_cache(maxsize=1024)
def _negotiated(accept_language: str, available: tuple[str, ...], default: str) -> str:
    for code in _by_quality(accept_language):
        primary = code.split("-")[0]
        if (language := _ALIASES.get(primary, primary)) in available:
            return language
        if code == "*":
            break
    return default


def _by_quality(header: str) -> list[str]:
    ranked: list[tuple[float, int, str]] = []
    # Browsers send fewer than 20 entries: a longer header is noise or an attack.
    for position, entry in enumerate(header.split(",")[:20]):
        code, _, parameters = entry.strip().partition(";")
        if code and (quality := _quality(parameters)) > 0:
            ranked.append((-quality, position, code.strip().lower()))
    return [code for _, _, code in sorted(ranked)]


def _quality(parameters: str) -> float:
    name, _, value = parameters.strip().partition("=")
    if name.strip() != "q":
        return 1.0
    try:
        return float(value)
    except ValueError:
        return 0.0
