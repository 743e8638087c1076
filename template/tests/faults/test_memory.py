"""The memory of API and worker at the largest input of each route and task, four at once. Prints a table: `-rP`.

No peak is 64 MiB above the idle process, nor above half of the limit in the manifests.
"""

import importlib.util
import json
import logging
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import TypeVar

import httpx
import pytest

from app.main import create_app
from app.settings import Settings
from tests.faults.stack import Process, Stack
from tests.security.operations import FORM, JSON, MULTIPART, Operation, operations
from tests.waiting import until

pytestmark = [
    pytest.mark.faults,
    pytest.mark.skipif(sys.platform != "linux", reason="the peak of a process is read from /proc"),
    pytest.mark.skipif(importlib.util.find_spec("app.accounts") is None, reason="signs in a user of its own"),
]

log = logging.getLogger(__name__)
_Result = TypeVar("_Result")

PASSWORD = "correct horse battery staple"
AT_ONCE = 4
# In MiB. LIMIT is that of deploy/base/api.yaml and worker.yaml.
MOST_ABOVE_IDLE, LIMIT, MARGIN = 64, 512, 2
# Lines of an import. As in the image and the manifests, there are 4 places, 2 of them for imports.
LINES = 19_900
PRODUCTION = {"MALLOC_MMAP_THRESHOLD_": "4194304", "DATABASE_POOL_SIZE": "5", "DATABASE_STATEMENT_TIMEOUT": "10"}
# This test does not measure the failed tasks below, which are larger than a user could store.
ROOMY = {"TASK_BYTES_PER_USER": "1000000000"}
# The largest page of 100: names of four-byte characters, and failed tasks of 1 MB. Rows are copied, so this test does
# not need to know their other columns.
COPIES = """INSERT INTO {table}
    SELECT (jsonb_populate_record(one, jsonb_build_object('id', gen_random_uuid(), {values}))).*
    FROM {table} AS one, generate_series(1, 100) AS i WHERE one.id = (SELECT id FROM {table} {where} LIMIT 1)
    ON CONFLICT DO NOTHING"""
MINE = "(SELECT id FROM users WHERE email = 'memory@example.com')"
LARGE = "jsonb_build_object('csv', (SELECT string_agg(md5(n::text || i), '') FROM generate_series(1, 30000) AS n))"
FILLING = {
    "users": ("WHERE email = 'memory@example.com'", "'email', i || '@example.com', 'name', repeat('\U0001f600', 100)"),
    "sessions": (f"WHERE user_id = {MINE}", "'user_agent', repeat('a', 300)"),
    "tasks": (
        "",
        f"""'owner_id', {MINE}, 'kind', 'filling', 'payload', {LARGE}, 'status', 'failed', 'finished_at', now(),
        'problem', jsonb_build_object('type', 'x', 'title', 'x', 'status', 422, 'detail', 'x')""",
    ),
}
# One task of each kind for each user on that page, with names of maximum length and a message longer than any.
TEXTS = "array_fill(repeat('\U0001f600', 500), ARRAY[20])"
MESSAGE = f"jsonb_build_object('subject', repeat('\U0001f600', 200), 'paragraphs', {TEXTS})"
USER = "jsonb_build_object('email', i || '@example.com')"
WAITING = """INSERT INTO tasks (id, kind, payload, status, attempts, losses, language, context, created_at, due_at)
    SELECT gen_random_uuid(), '{kind}', {payload}, 'queued', 0, 0, 'en', '{{}}', now(), now() - interval '1 minute'
    FROM generate_series(1, 100) AS i"""
MAIL_TASKS = {
    "mail.send": f"jsonb_build_object('to', i || '@example.com', 'kind', 'x', 'language', 'en', 'message', {MESSAGE})",
    "accounts.welcome": USER,
    "accounts.verify-email": USER,
    "accounts.reset-password": USER,
}
PRODUCTS = f"""
    INSERT INTO products (id, owner_id, name, price_minor, currency)
    SELECT gen_random_uuid(), {MINE}, repeat('\U0001f600', 200), 9007199254740991, 'IDR' FROM generate_series(1, 100)
"""  # noqa: S608  own names


def memory(process: Process, field: str) -> float:
    """Return a value of a process in MiB: `VmRSS` is its current memory, `VmHWM` the maximum since `reset`."""
    assert process.child is not None
    status = Path(f"/proc/{process.child.pid}/status").read_text()
    return int(status.partition(f"{field}:")[2].split()[0]) / 1024


def peak(process: Process, action: Callable[[], _Result]) -> tuple[float, _Result]:
    """Return the peak memory of a process during an action, in MiB, and the action's result."""
    assert process.child is not None
    Path(f"/proc/{process.child.pid}/clear_refs").write_text("5")
    result = action()
    return memory(process, "VmHWM"), result


@pytest.fixture
def filled(stack: Stack) -> Stack:
    """A service with its own administrator and a full page of every list."""
    user = {"email": "memory@example.com", "password": PASSWORD, "name": "M"}
    assert httpx.post(f"{stack.base}/v1/users", json=user, timeout=30).status_code in (201, 409)
    for table, (where, values) in FILLING.items():
        stack.sql(COPIES.format(table=table, where=where, values=values))
    if importlib.util.find_spec("app.products"):
        stack.sql(PRODUCTS)
    stack.sql("UPDATE users SET roles = '{admin}' WHERE email = 'memory@example.com'")
    return stack


@pytest.fixture
def api(filled: Stack) -> Iterator[Process]:
    """An API like that of the image."""
    process = filled.make_api("memory-api", **PRODUCTION, **ROOMY)
    process.start()
    yield process
    process.kill()


@pytest.fixture
def client(filled: Stack, api: Process) -> Iterator[httpx.Client]:
    """A client of the administrator."""
    base = api.url.removesuffix("/health/ready")
    with httpx.Client(base_url=base, timeout=60, limits=httpx.Limits(max_connections=AT_ONCE)) as client:
        form = {"username": "memory@example.com", "password": PASSWORD}
        client.headers["Authorization"] = f"Bearer {client.post('/v1/auth/login', data=form).json()['access_token']}"
        yield client


def largest(operation: Operation, client: httpx.Client, settings: Settings) -> httpx.Request:
    """The operation with the longest page and the largest body that it takes."""
    path = operation.path.removeprefix(settings.route_prefix)
    for name, text in operation.places.items():
        path = path.replace(f"{{{name}}}", text)
    query = {**operation.query, **({"limit": "100"} if "limit" in operation.query else {})}
    headers = {"Idempotency-Key": "memory"} if operation.media_type in (JSON, MULTIPART) else {}
    if operation.media_type == JSON:
        content = json.dumps(operation.body).encode().ljust(settings.max_body_bytes)
        return client.build_request(
            operation.method, path, params=query, content=content, headers={**headers, "Content-Type": JSON}
        )
    if operation.media_type == FORM:
        return client.build_request(operation.method, path, params=query, data=operation.body)
    if operation.media_type == MULTIPART:
        files = {name: ("largest.csv", csv(settings.max_upload_bytes - 1_000)) for name in operation.body}
        return client.build_request(operation.method, path, params=query, files=files)
    return client.build_request(operation.method, path, params=query)


def csv(size: int) -> bytes:
    """As many lines as an import takes, in as many bytes, of characters that are four bytes wide in memory."""
    name = "\U0001f600" * ((size // LINES - 8) // 4)
    return ("name,price_minor,currency\n" + f"{name},1,SGD\n" * LINES).encode()


def four_at_once(client: httpx.Client, request: httpx.Request) -> list[int]:
    """The statuses of a request that is sent four times at once."""
    with ThreadPoolExecutor(AT_ONCE) as pool:
        return [answer.status_code for answer in pool.map(lambda _: client.send(request), range(AT_ONCE))]


def test_memory_per_request_has_a_bound(api: Process, client: httpx.Client, settings: Settings) -> None:
    routes = operations(create_app(settings))
    assert len(routes) > 15
    idle = memory(api, "VmRSS")
    table: list[tuple[float, str]] = []
    for operation in routes:
        most, statuses = peak(api, partial(four_at_once, client, largest(operation, client, settings)))
        assert not [status for status in statuses if status >= 500 and status != 503], (operation, statuses)
        table.append((most, f"{operation.method:6} {operation.path:52} {most - idle:6.1f} {most:6.1f}  {statuses}"))
    log.info("API idle: %.1f MiB; route, peak above idle, peak:\n%s", idle, "\n".join(line for _, line in table))
    assert max(most for most, _ in table) < min(idle + MOST_ABOVE_IDLE, LIMIT / MARGIN)


@pytest.fixture
def worker(filled: Stack) -> Iterator[Process]:
    """A worker like that of the image, alone."""
    filled.worker.kill()
    process = filled.make_worker("memory-worker", **PRODUCTION)
    process.start()
    yield process
    process.kill()


def test_memory_of_mails_has_a_bound(worker: Process, filled: Stack) -> None:
    idle = memory(worker, "VmRSS")
    for kind, payload in MAIL_TASKS.items():
        count = f"SELECT count(*) FROM tasks WHERE kind = '{kind}' AND status"  # noqa: S608  own names

        def send_all(kind: str = kind, payload: str = payload, count: str = count) -> None:
            filled.sql(WAITING.format(kind=kind, payload=payload))
            until(lambda: filled.sql(f"{count} IN ('queued', 'running')") == [(0,)], f"{kind} is done", seconds=120)

        most, _ = peak(worker, send_all)
        log.info("worker idle: %.1f MiB; 100 of %s: %.1f above, %.1f", idle, kind, most - idle, most)
        assert filled.sql(f"{count} = 'succeeded'") >= [(100,)]
        assert most < min(idle + MOST_ABOVE_IDLE, LIMIT / MARGIN)


@pytest.mark.skipif(importlib.util.find_spec("app.products") is None, reason="imports are of the sample")
def test_memory_of_imports_has_a_bound(
    api: Process, client: httpx.Client, worker: Process, filled: Stack, settings: Settings
) -> None:
    idle = memory(worker, "VmRSS")

    def import_many() -> None:
        content = csv(settings.max_upload_bytes - 1_000)
        for _ in range(8):
            answer = client.post("/v1/products/imports", files={"file": ("largest.csv", content)})
            assert answer.status_code == 202, answer.text
        waiting = "SELECT count(*) FROM tasks WHERE kind = 'products.import' AND status IN ('queued', 'running')"
        until(lambda: filled.sql(waiting) == [(0,)], "the imports are done", seconds=300)

    most, _ = peak(worker, import_many)
    log.info("worker idle: %.1f MiB; 8 imports of %d lines: %.1f above, %.1f", idle, LINES, most - idle, most)
    imported = "SELECT count(*) FROM tasks WHERE kind = 'products.import' AND status = 'succeeded'"
    assert filled.sql(imported) >= [(8,)]
    assert most < min(idle + MOST_ABOVE_IDLE, LIMIT / MARGIN)
