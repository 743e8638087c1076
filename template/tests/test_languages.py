"""Languages: the choice of one, and that every message has its translation."""

from pathlib import Path

import httpx
import pytest
from babel.messages.extract import extract_from_dir

import app
from app.kit.i18n import catalogue, negotiate, translate
from app.settings import Settings

PACKAGE = Path(app.__file__).parent
AVAILABLE = ("en", "id", "fil", "zh")


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("", "en"),
        ("zh-Hans-SG,zh;q=0.9", "zh"),
        ("de, id;q=0.5", "id"),
        ("en;q=0.2, id;q=0.9", "id"),
        ("in", "id"),
        ("tl-PH", "fil"),
        ("id;q=0, zh", "zh"),
        ("id;q=x", "en"),
        ("*", "en"),
        (",;,;;q", "en"),
        ("de," * 5000 + "zh", "en"),
    ],
)
def test_the_best_available_language_is_chosen(header: str, expected: str) -> None:
    assert negotiate(header, AVAILABLE, "en") == expected


def test_a_language_without_catalogue_is_english() -> None:
    assert translate("Not found", "xx") == "Not found"


def messages() -> set[str]:
    found = extract_from_dir(PACKAGE, method_map=[("**.py", "python")], keywords={"N_": None})
    return {str(message) for _, _, message, _, _ in found}


def test_every_message_is_translated_into_every_language(settings: Settings) -> None:
    assert len(messages()) > 10
    for language in settings.language_codes:
        if language != "en":
            assert set(catalogue(language)) == messages(), language


def test_translations_keep_their_parameters(settings: Settings) -> None:
    for language in settings.language_codes:
        for message, translation in catalogue(language).items():
            wanted = {part.split(")")[0] for part in message.split("%(")[1:]}
            assert {part.split(")")[0] for part in translation.split("%(")[1:]} == wanted, message


async def test_problems_speak_the_callers_language(client: httpx.AsyncClient, settings: Settings) -> None:
    for language in settings.language_codes:
        answer = await client.get("/v1/nothing", headers={"Accept-Language": language})
        assert answer.headers["content-language"] == language
        assert answer.json()["title"] == translate("Not found", language)
