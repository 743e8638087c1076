"""The cases of the benchmark: what each server is asked, with users, sessions and rows that are real."""

import asyncio
import base64
import json
from dataclasses import dataclass
from uuid import uuid4

import asyncpg
import httpx
import redis
from service_servers import Server

PASSWORD = "correct horse battery staple"  # noqa: S105  of a user of this run alone
BOUNDARY = "benchmark"
PRODUCT = {"name": "Tea", "price_minor": 1250, "currency": "SGD"}
FORM = 'Content-Disposition: form-data; name="file"; filename="tea.csv"'
CSV = f"--{BOUNDARY}\r\n{FORM}\r\n\r\nname,price_minor,currency\nTea,1250,SGD\n\r\n--{BOUNDARY}--\r\n"
FLOOR_TASKS = "CREATE TABLE floor_tasks (id uuid PRIMARY KEY, kind text, owner_id uuid, payload jsonb, status text)"


@dataclass(frozen=True)
class Case:
    """The measured request, the number of requests per round, and the goal as a multiple of the floor's CPU."""

    name: str
    requests: int
    goal: float
    service: list[str]
    floor: list[str]
    before: str = ""
    """A statement that runs before each round."""


class User:
    """A signed-in user of the service."""

    def __init__(self, server: Server) -> None:
        self.client = httpx.Client(base_url=f"http://127.0.0.1:{server.port}/api", timeout=30)
        email = f"{uuid4().hex}@example.com"
        self.client.post("/v1/users", json={"email": email, "password": PASSWORD, "name": "Ann"}).raise_for_status()
        self.login = {"username": email, "password": PASSWORD}
        self.token = self.log_in()
        self.client.headers["Authorization"] = f"Bearer {self.token}"

    def log_in(self) -> str:
        """A new access token."""
        answer = self.client.post("/v1/auth/login", data=self.login)
        answer.raise_for_status()
        token: str = answer.json()["access_token"]
        return token

    def message(self, method: str, path: str, body: str = "", kind: str = "application/json") -> str:
        """A whole HTTP request."""
        head = [f"{method} {path} HTTP/1.1", "Host: benchmark", f"Authorization: Bearer {self.token}", "Accept-Language: en"]
        if body:
            head += [f"Content-Type: {kind}", f"Content-Length: {len(body)}"]
        return "\r\n".join(head) + "\r\n\r\n" + body


def claims(token: str) -> dict[str, str]:
    """Return a token's claims, unverified."""
    part = token.split(".")[1]
    found: dict[str, str] = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    return found


def public_key(server: Server) -> str:
    """The key that verifies the service's tokens."""
    key: str = httpx.get(f"http://127.0.0.1:{server.port}/api/v1/auth/jwks").json()["keys"][0]["x"]
    return key


def prepare(user: User, database_url: str, redis_url: str) -> list[Case]:
    """Write the rows that are read, give the floor its session, and return the cases."""
    ids = [user.client.post("/v1/products", json=PRODUCT).raise_for_status().json()["id"] for _ in range(100)]
    multipart = f"multipart/form-data; boundary={BOUNDARY}"
    upload = user.client.post("/v1/products/imports", content=CSV, headers={"Content-Type": multipart})
    task = upload.raise_for_status().json()["task_id"]
    asyncio.run(execute(database_url, FLOOR_TASKS))
    with redis.Redis.from_url(redis_url) as client:
        client.set(f"floor:session:{claims(user.token)['sid']}", "1")

    def both(method: str, path: str, body: str = "", kind: str = "application/json") -> tuple[list[str], list[str]]:
        return [user.message(method, f"/api/v1{path}", body, kind)], [user.message(method, path, body, kind)]

    live = ["GET /api/health/live HTTP/1.1\r\nHost: benchmark\r\n\r\n"], ["GET /live HTTP/1.1\r\nHost: benchmark\r\n\r\n"]
    return [
        Case("liveness", 6_000, 1.5, *live),
        Case("cached read", 3_000, 1.15, *both("GET", f"/products/{ids[0]}")),
        Case("uncached read of one row", 2_000, 1.4, *both("GET", f"/tasks/{task}")),
        Case("list of 100", 800, 1.7, *both("GET", "/products?limit=100")),
        Case("create", 1_500, 1.9, *both("POST", "/products", json.dumps(PRODUCT))),
        # Delete the tasks of earlier rounds. The quota counts a user's tasks, and thousands of them, far beyond any quota, would slow down
        # PostgreSQL.
        Case("durable enqueue", 1_200, 1.4, *both("POST", "/products/imports", CSV, multipart), f"DELETE FROM tasks WHERE id <> '{task}'"),  # noqa: S608  the service's own id
    ]


async def execute(database_url: str, statement: str) -> None:
    """Run one statement."""
    connection = await asyncpg.connect(database_url)
    await connection.execute(statement)
    await connection.close()
