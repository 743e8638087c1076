"""Languages: the choice of one, and that every message has its translation."""

from pathlib import Path
from typing import Annotated, Any, Literal, get_args
from uuid import UUID

import httpx
import psutil
import pytest
from babel.messages.extract import extract_from_dir
from fastapi import FastAPI, Query
from pydantic import Field, TypeAdapter, ValidationError
from pydantic_core.core_schema import ErrorType

import app
from app.kit import validation
from app.kit.configuration import Environment
from app.kit.context import request_context
from app.kit.i18n import _negotiated, catalogue, negotiate, translate
from app.kit.times import Moment
from app.kit.validation import describe
from app.main import create_app
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


def test_headers_of_callers_fill_no_memory() -> None:
    _negotiated.cache_clear()
    before = psutil.Process().memory_info().rss
    for number in range(1_024):
        assert negotiate(f"zh-{number}," + "x" * 60_000, AVAILABLE, "en") == "zh"
    assert psutil.Process().memory_info().rss - before < 16 * 1_048_576


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


async def test_faults_of_fields_speak_the_callers_language(settings: Settings) -> None:
    for language in settings.language_codes:
        with request_context("id", language):
            required = describe({"type": "missing", "loc": (), "msg": "Field required", "input": None})
            unknown = describe({"type": "ip_type", "loc": (), "msg": "An English sentence", "input": None})
        if language == "en":
            assert (required, unknown) == ("Field required", "An English sentence")
        else:
            assert required == catalogue(language)["Field required"]
            assert unknown == catalogue(language)["Is not valid"]


@pytest.mark.parametrize(
    ("kind", "value", "expected"),
    [
        (Annotated[str, Field(min_length=3)], "x", "Must have at least 3 characters"),
        (Annotated[str, Field(max_length=1)], "xx", "Must have at most 1 characters"),
        (Annotated[str, Field(pattern="^a$")], "b", "Contains characters that are not allowed, or does not"),
        (Annotated[int, Field(gt=1)], 1, "Must be greater than 1"),
        (Annotated[int, Field(ge=1)], 0, "Must be at least 1"),
        (Annotated[int, Field(lt=1)], 1, "Must be less than 1"),
        (Annotated[int, Field(le=1)], 2, "Must be at most 1"),
        (Annotated[list[int], Field(min_length=1)], [], "Must have at least 1 items"),
        (Annotated[list[int], Field(max_length=1)], [1, 2], "Must have at most 1 items"),
        (Literal["a", "b"], "c", "Must be one of these: 'a' or 'b'"),
        (Environment, "x", "Must be one of these: 'development', "),
        (int, "x", "Must be a whole number"),
        (UUID, "x", "Must be a UUID"),
    ],
)
def test_a_fault_of_a_field_tells_what_would_be_right(kind: Any, value: object, expected: str) -> None:
    with pytest.raises(ValidationError) as caught:
        TypeAdapter(kind).validate_python(value)
    with request_context("id", "en"):
        assert [describe(error).startswith(expected) for error in caught.value.errors()] == [True]


def test_faults_of_fields_are_those_that_pydantic_has() -> None:
    assert set(validation._MESSAGES) <= set(get_args(ErrorType))


async def test_an_answer_tells_faults_in_the_callers_language(application: FastAPI, client: httpx.AsyncClient) -> None:
    own = create_app(application.state.settings)

    @own.get("/faults")
    async def faults(at: Moment, size: Annotated[int, Query(ge=1)]) -> None:
        """Take a time and a number."""

    own.state.resources = application.state.resources
    async with httpx.AsyncClient(transport=httpx.ASGITransport(own), base_url="http://test") as caller:
        for language in own.state.settings.language_codes:
            answer = await caller.get("/faults?at=0001-01-01T00:00:00%2B14:00", headers={"Accept-Language": language})
            assert {fault["pointer"]: fault["detail"] for fault in answer.json()["errors"]} == {
                "/query/at": translate(
                    "Must be a date and a time with its zone, such as 2026-11-22T08:00:00Z", language
                ),
                "/query/size": translate("Field required", language),
            }
