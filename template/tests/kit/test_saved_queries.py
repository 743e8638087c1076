"""The saved queries of infra/service/queries.tf work on the lines that the service writes."""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

QUERIES = Path(__file__).parents[2] / "infra/service/queries.tf"

# In a process of its own: loggers are configured once, when they are first used.
LOGGING = """
import asyncio

import httpx

from app.kit.configuration import Environment
from app.kit.logs import configure_logging
from app.kit.requests import RequestMiddleware
from app.settings import Settings

configure_logging(Environment.PRODUCTION, "INFO", service="shop", release="1")


async def answer(scope, receive, send):
    if scope["path"] == "/broken":
        raise RuntimeError("broken")
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b""})


async def main():
    transport = httpx.ASGITransport(RequestMiddleware(answer, Settings()))
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        await client.get("/fine")
        await client.get("/broken")


asyncio.run(main())
"""


@pytest.fixture(scope="module")
def lines() -> list[dict[str, Any]]:
    """Return the lines of a request that is answered and of a request that raises, as the pod writes them."""
    run = subprocess.run([sys.executable, "-c", LOGGING], capture_output=True, text=True, check=True)
    return [json.loads(line) for line in run.stderr.splitlines()]


def fields(query: str) -> set[str]:
    """Return the fields of the service's lines that a saved query reads."""
    text = QUERIES.read_text(encoding="utf-8")
    found = re.search(rf"^    {query} += \[\n(.*?)^    \]", text, re.MULTILINE | re.DOTALL)
    assert found, query
    return set(re.findall(r"log_processed\.(\w+)", found[1]))


@pytest.mark.parametrize("query", ["requests", "failed-requests", "slow-requests"])
def test_a_query_about_requests_reads_fields_of_the_access_line(query: str, lines: list[dict[str, Any]]) -> None:
    access = [line for line in lines if line["event"] == "request"]
    assert len(access) == 2
    assert fields(query) > {"event"}
    assert all(fields(query) <= set(line) for line in access)


def test_a_query_about_exceptions_reads_fields_of_their_lines(lines: list[dict[str, Any]]) -> None:
    (failed,) = (line for line in lines if "exception" in line)
    assert fields("exceptions") <= set(failed)
    assert "RuntimeError: broken" in failed["exception"]


@pytest.mark.parametrize("query", ["worst-lines", "one-request"])
def test_a_query_about_any_line_reads_fields_of_every_line(query: str, lines: list[dict[str, Any]]) -> None:
    assert all(fields(query) <= set(line) for line in lines)
