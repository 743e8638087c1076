"""The floor that the service is compared with: a bare FastAPI route, and the same work written by hand.

The floor verifies the token, checks session and rate limit in one Redis round trip and reads or writes through asyncpg. It has no
metrics, logs, request ids, languages, problems or outage handling. Serves with uvicorn: `python service_floor.py bare|floor PORT`;
addresses and the issuer's public key come from the environment.
"""

import base64
import json
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Any
from uuid import UUID, uuid4

import asyncpg
import jwt
import redis.asyncio
import uvicorn
from arq.connections import ArqRedis
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from fastapi import FastAPI, File, HTTPException, Request, Response
from pydantic import BaseModel

# A fixed window is the least that limits anything.
COUNT = "local n = redis.call('INCR', KEYS[1]) if n == 1 then redis.call('EXPIRE', KEYS[1], 60) end return n"
LIMIT = 1_000_000_000
COLUMNS = "id, name, price_minor, currency, created_at"

bare = FastAPI()


@bare.get("/")
async def hello() -> dict[str, str]:
    """Say hello."""
    return {"message": "hello"}


@asynccontextmanager
async def lifespan(application: FastAPI) -> AsyncIterator[None]:
    """Connect."""
    application.state.redis = redis.asyncio.Redis.from_url(os.environ["REDIS_URL"])
    application.state.arq = ArqRedis(connection_pool=application.state.redis.connection_pool)
    application.state.pool = await asyncpg.create_pool(os.environ["DATABASE_URL"], min_size=5, max_size=5)
    key = base64.urlsafe_b64decode(os.environ["PUBLIC_KEY"] + "=")
    application.state.key = Ed25519PublicKey.from_public_bytes(key)
    yield
    await application.state.pool.close()


floor = FastAPI(lifespan=lifespan)


class NewProduct(BaseModel):
    """Body of a new product."""

    name: str
    price_minor: int
    currency: str


async def admit(request: Request, *extra: str) -> tuple[str, Any]:
    """The caller's id, and the value of one more key. Raises 401 and 429."""
    token = request.headers["authorization"][7:]
    claims = jwt.decode(token, request.app.state.key, algorithms=["EdDSA"], audience=os.environ["AUDIENCE"])
    pipe = request.app.state.redis.pipeline(transaction=False)
    pipe.get(f"floor:session:{claims['sid']}")
    pipe.eval(COUNT, 1, f"floor:limit:{claims['sub']}")
    for key in extra:
        pipe.get(key)
    answers = await pipe.execute()
    if answers[0] is None:
        raise HTTPException(401)
    if answers[1] > LIMIT:
        raise HTTPException(429)
    return claims["sub"], answers[-1]


def as_json(value: object) -> Response:
    """An answer whose ids and times are text."""
    return Response(json.dumps(value, default=str), media_type="application/json")


@floor.get("/live")
async def live() -> Response:
    """Liveness."""
    return as_json({"status": "live"})


@floor.get("/products/{product_id}")
async def read_product(product_id: UUID, request: Request) -> Response:
    """A cached read."""
    name = f"floor:product:{product_id}"
    owner, cached = await admit(request, name)
    if cached is None:
        query = f"SELECT {COLUMNS} FROM products WHERE id = $1 AND owner_id = $2"  # noqa: S608  constant columns
        row = await request.app.state.pool.fetchrow(query, product_id, UUID(owner))
        cached = json.dumps(dict(row), default=str)
        await request.app.state.redis.set(name, cached, ex=300)
    return Response(cached, media_type="application/json")


@floor.get("/tasks/{task_id}")
async def read_task(task_id: UUID, request: Request) -> Response:
    """An uncached read of one row."""
    owner, _ = await admit(request)
    query = "SELECT id, kind, status, result, problem FROM tasks WHERE id = $1 AND owner_id = $2"
    return as_json(dict(await request.app.state.pool.fetchrow(query, task_id, UUID(owner))))


@floor.get("/products")
async def list_products(request: Request, limit: int = 20) -> Response:
    """A page."""
    owner, _ = await admit(request)
    query = f"SELECT {COLUMNS} FROM products WHERE owner_id = $1 ORDER BY id DESC LIMIT $2"  # noqa: S608  constant columns
    rows = await request.app.state.pool.fetch(query, UUID(owner), limit)
    return as_json({"items": [dict(row) for row in rows]})


@floor.post("/products", status_code=201)
async def create_product(new: NewProduct, request: Request) -> Response:
    """A write."""
    owner, _ = await admit(request)
    query = f"INSERT INTO products (id, owner_id, name, price_minor, currency) VALUES ($1, $2, $3, $4, $5) RETURNING {COLUMNS}"  # noqa: S608  constant columns
    row = await request.app.state.pool.fetchrow(query, uuid4(), UUID(owner), new.name, new.price_minor, new.currency)
    return as_json(dict(row))


@floor.post("/products/imports", status_code=202)
async def import_products(file: Annotated[bytes, File()], request: Request) -> Response:
    """A row, then its id in the queue."""
    owner, _ = await admit(request)
    task_id, payload = uuid4(), json.dumps({"csv": file.decode()})
    query = "INSERT INTO floor_tasks (id, kind, owner_id, payload, status) VALUES ($1, 'import', $2, $3, 'queued')"
    await request.app.state.pool.execute(query, task_id, UUID(owner), payload)
    await request.app.state.arq.enqueue_job("run", str(task_id), _job_id=str(task_id), _queue_name="floor:queue")
    return as_json({"task_id": task_id})


if __name__ == "__main__":
    uvicorn.run({"bare": bare, "floor": floor}[sys.argv[1]], port=int(sys.argv[2]), access_log=False, log_level="warning")
