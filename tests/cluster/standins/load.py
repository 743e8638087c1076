"""A steady load on the load balancer's stand-in: reads, and imports that workers run as tasks.

`load.py` runs until it is killed and writes what it saw to /tmp/load.json. `load.py settle` waits until every accepted task has ended, and
prints how many ended in which state.
"""

import asyncio
import http.client
import json
import os
import sys
import time
import urllib.parse
from collections import Counter
from pathlib import Path
from typing import Any

ADDRESS = ("127.0.0.1", 8080)
PREFIX = os.environ["ROUTE_PREFIX"]
STATE = Path("/tmp/load.json")  # noqa: S108  the container's own
READERS, PAUSE = 6, 0.25
TASK_SECONDS = 2.0
# Shorter than the life of an access token.
TOKEN_SECONDS = 240
ENDED = {"succeeded", "failed", "dead"}

seen: dict[str, Any] = {"requests": 0, "failures": [], "tasks": []}


def call(method: str, path: str, headers: dict[str, str], body: bytes | None = None) -> tuple[int, bytes, str]:
    """Status, body and the load balancer's reason; status 0 when there is no answer."""
    connection = http.client.HTTPConnection(*ADDRESS, timeout=20)
    try:
        connection.request(method, PREFIX + path, body, headers)
        answer = connection.getresponse()
        return answer.status, answer.read(), answer.headers.get("X-Reason", "")
    except OSError as error:
        return 0, b"", repr(error)
    finally:
        connection.close()


async def expect(status: int, method: str, path: str, headers: dict[str, str], body: bytes | None = None) -> bytes:
    """One request; anything but the expected status is a failure."""
    started = time.time()
    found, content, reason = await asyncio.to_thread(call, method, path, headers, body)
    seen["requests"] += 1
    if found != status:
        text = reason or content.decode(errors="replace")[:300]
        seen["failures"].append({"at": started, "request": f"{method} {path}", "status": found, "reason": text})
        return b""
    return content


async def log_in() -> dict[str, str]:
    form = urllib.parse.urlencode({"username": os.environ["EMAIL"], "password": os.environ["PASSWORD"]}).encode()
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    answer = await expect(200, "POST", "/v1/auth/login", headers, form)
    return {"Authorization": f"Bearer {json.loads(answer)['access_token']}"} if answer else {}


async def keep_logged_in(headers: dict[str, str]) -> None:
    while True:
        await asyncio.sleep(TOKEN_SECONDS)
        headers.update(await log_in())


async def read(headers: dict[str, str]) -> None:
    while True:
        await expect(200, "GET", "/health/", {})
        await expect(200, "GET", "/v1/products", headers)
        await asyncio.sleep(PAUSE)


async def give_tasks(headers: dict[str, str]) -> None:
    boundary = "a boundary"
    while True:
        csv = f"name,price_minor,currency\nload {len(seen['tasks'])},100,USD\n"
        part = f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="p.csv"\r\nContent-Type: text/csv\r\n\r\n{csv}\r\n'
        kind = {"Content-Type": f'multipart/form-data; boundary="{boundary}"'}
        body = f"{part}--{boundary}--\r\n".encode()
        if answer := await expect(202, "POST", "/v1/products/imports", headers | kind, body):
            seen["tasks"].append(json.loads(answer)["task_id"])
        await asyncio.sleep(TASK_SECONDS)


async def note() -> None:
    while True:
        beside = STATE.with_suffix(".new")
        beside.write_text(json.dumps(seen))
        beside.replace(STATE)
        await asyncio.sleep(0.5)


async def run() -> None:
    """Load until killed. It starts once the first login succeeds: until then nothing counts."""
    while not (headers := await log_in()):
        await asyncio.sleep(1)
    seen.update(requests=0, failures=[])
    await asyncio.gather(keep_logged_in(headers), note(), give_tasks(headers), *(read(headers) for _ in range(READERS)))


async def settle() -> None:
    """Wait until every accepted task has ended."""
    headers = await log_in()
    print(json.dumps(Counter([await ended(task, headers) for task in accepted()])))


def accepted() -> list[str]:
    tasks: list[str] = json.loads(STATE.read_text())["tasks"]
    return tasks


async def ended(task: str, headers: dict[str, str]) -> str:
    """The state in which a task has ended."""
    while (state := json.loads(await expect(200, "GET", f"/v1/tasks/{task}", headers))["status"]) not in ENDED:
        await asyncio.sleep(0.5)
    return str(state)


if __name__ == "__main__":
    asyncio.run(settle() if sys.argv[1:] == ["settle"] else run())
