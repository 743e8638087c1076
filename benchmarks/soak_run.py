"""The running half of soak.py, by the rendered project's Python."""

import argparse
import asyncio
import contextlib
import itertools
import json
import os
import secrets
import ssl
import subprocess
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any
from uuid import uuid4

import asyncpg
import httpx
import redis
from aiosmtpd.controller import Controller
from app.dev.services import free_port
from app.kit.database import connection_arguments
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from service_servers import PRODUCTION, Server, addresses, running, service_environment, until_ready
from sqlalchemy.engine import make_url

PASSWORD = "correct horse battery staple"  # noqa: S105  of users of this run
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
# Sessions that stay open.
OPEN = 50
# Users who log in. They are registered within three minutes, before the samples count.
LOGINS = 400
# The position of the import among the requests of ten seconds.
IMPORT_TURN = 7
# Seconds between two samples.
INTERVAL = 5.0
# Allowed growth of the second half over the first, for noise such as the allocator's or one or two more connections.
GROWTH = 1.10
# Seconds before the first sample that counts. Copies of sessions and cached rows live for 300 s: their number grows until then.
WARM_UP = 320

Samples = list[dict[str, float]]


class Sink:
    """An SMTP server that counts mails by recipient."""

    def __init__(self) -> None:
        self.received: Counter[str] = Counter()

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802  aiosmtpd's name
        """Take a mail."""
        self.received.update(envelope.rcpt_tos)
        return "250 taken"


class Soak:
    """Requests and their answers."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self._client = client
        self.statuses: Counter[tuple[str, int]] = Counter()
        self.seconds: dict[str, list[float]] = defaultdict(list)
        self.wrong: list[str] = []
        self.registered: list[str] = []
        self.tokens: list[dict[str, str]] = []
        self.products: list[tuple[str, str]] = []

    async def request(self, kind: str, method: str, path: str, expected: int, **options: Any) -> httpx.Response | None:
        """Send one request, and record the response."""
        started = time.monotonic()
        try:
            answer = await self._client.request(method, path, **options)
        except httpx.TransportError as error:
            self.statuses[kind, 0] += 1
            self.wrong.append(f"{kind}: {type(error).__name__} {error}")
            return None
        self.seconds[kind].append(time.monotonic() - started)
        self.statuses[kind, answer.status_code] += 1
        if answer.status_code != expected:
            self.wrong.append(f"{kind}: {answer.status_code} {answer.text[:200]}")
            return None
        return answer

    async def register(self) -> None:
        """A new user, with a key; each third one is sent twice."""
        email, key = f"soak-{uuid4().hex}@example.com", {"Idempotency-Key": uuid4().hex}
        user = {"email": email, "password": PASSWORD, "name": "Soak"}
        if await self.request("register", "POST", "/v1/users", 201, json=user, headers=key):
            self.registered.append(email)
            if len(self.registered) % 3 == 0:
                again = await self.request("register again", "POST", "/v1/users", 201, json=user, headers=key)
                if again is not None and again.headers.get("idempotency-replayed") != "true":
                    self.wrong.append("register again: done twice")

    async def login(self) -> None:
        """Log in as one of the first users: with a growing number of users, the number of keys in Redis would grow too."""
        if not self.registered:
            return
        form = {"username": secrets.choice(self.registered[:LOGINS]), "password": PASSWORD}
        answer = await self.request("login", "POST", "/v1/auth/login", 200, data=form, headers=FORM)
        if answer is not None:
            self.tokens.append(answer.json())
            if len(self.tokens) > OPEN:
                old = self.tokens.pop(0)
                await self.request("logout", "POST", "/v1/auth/logout", 204, headers=self.bearer(old))
                await self.request("logged out", "GET", "/v1/users/me", 401, headers=self.bearer(old))

    async def refresh(self) -> None:
        """A new pair for the oldest session."""
        if self.tokens:
            old = self.tokens.pop(0)
            body = {"refresh_token": old["refresh_token"]}
            answer = await self.request("refresh", "POST", "/v1/auth/refresh", 200, json=body)
            if answer is not None:
                self.tokens.append(answer.json())

    async def create(self) -> None:
        """A product."""
        if self.tokens:
            pair = self.tokens[-1]
            product = {"name": "Tea", "price_minor": 1250, "currency": "SGD"}
            headers = {**self.bearer(pair), "Idempotency-Key": uuid4().hex}
            answer = await self.request("create", "POST", "/v1/products", 201, json=product, headers=headers)
            if answer is not None:
                self.products = [*self.products[-20:], (pair["access_token"], answer.json()["id"])]

    async def read(self) -> None:
        """A product, mostly out of the cache."""
        if self.products:
            token, product = secrets.choice(self.products)
            path = f"/v1/products/{product}"
            answer = await self._client.get(path, headers={"Authorization": f"Bearer {token}"})
            # The session may have been logged out in the meantime.
            self.statuses["read", answer.status_code] += 1
            if answer.status_code not in (200, 401):
                self.wrong.append(f"read: {answer.status_code}")

    async def lists(self) -> None:
        """Lists of the newest session."""
        if self.tokens:
            path = secrets.choice(["/v1/products", "/v1/tasks", "/v1/auth/sessions", "/v1/users/me"])
            await self.request("list", "GET", path, 200, headers=self.bearer(self.tokens[-1]))

    async def imports(self) -> None:
        """Fifty rows for the worker."""
        if self.tokens:
            rows = "name,price_minor,currency\n" + "Tea,1250,SGD\n" * 50
            files = {"file": ("tea.csv", rows.encode(), "text/csv")}
            headers = self.bearer(self.tokens[-1])
            await self.request("import", "POST", "/v1/products/imports", 202, files=files, headers=headers)

    def bearer(self, pair: dict[str, str]) -> dict[str, str]:
        """The header of a pair of tokens."""
        return {"Authorization": f"Bearer {pair['access_token']}"}

    async def run(self, seconds: float, rate: float) -> None:
        """Send in a fixed order at a fixed rate, whether or not earlier requests are answered."""
        order: list[Callable[[], Awaitable[None]]] = [
            self.register, self.login, self.create, self.read, self.lists,
            self.login, self.read, self.create, self.register, self.refresh,
            self.read, self.lists, self.login, self.create, self.read,
            self.register, self.lists, self.read, self.create, self.refresh,
        ]  # fmt: skip
        started, running_now = time.monotonic(), set[asyncio.Task[None]]()
        for number in itertools.count():
            due = started + number / rate
            if due - started > seconds:
                break
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            # One import in ten seconds.
            send = self.imports if number % int(10 * rate) == IMPORT_TURN else order[number % len(order)]
            task = asyncio.ensure_future(send())
            running_now.add(task)
            task.add_done_callback(running_now.discard)
        await asyncio.gather(*running_now)


def redis_keys(client: redis.Redis) -> dict[str, float]:
    """Count all keys, and those of each kind, the word before the first colon."""
    kinds: Counter[str] = Counter()
    for key in client.scan_iter(count=1000):
        kinds[f"redis {key.decode().partition(':')[0]}"] += 1
    return {"redis keys": float(sum(kinds.values())), **{name: float(count) for name, count in sorted(kinds.items())}}


class Recorder:
    """The scrapes of each process, and its log lines: tests/observability/draw.py draws the dashboard from them."""

    def __init__(self) -> None:
        self.scrapes: list[tuple[float, str, str, str]] = []

    async def scrape(self, servers: dict[str, Server]) -> None:
        """Scrape each process."""
        async with httpx.AsyncClient(timeout=30) as client:
            for name, server in servers.items():
                with contextlib.suppress(httpx.TransportError):
                    text = (await client.get(f"http://127.0.0.1:{server.port}/metrics")).text
                    self.scrapes.append((time.time(), name, f"127.0.0.1:{server.port}", text))

    def write(self, file: Path, logs: Path) -> None:
        """Write the recording."""
        lines = [(log.stem, line) for log in (logs / "api.log", logs / "worker.log") for line in log.read_text().splitlines()]
        file.write_text(json.dumps({"scrapes": self.scrapes, "lines": lines}), encoding="utf-8")


async def sample(servers: dict[str, Server], url: str, into: Samples, recorder: Recorder, stopped: asyncio.Event) -> None:
    """Record memory, descriptors and keys at intervals."""
    client = redis.Redis.from_url(url)
    while not stopped.is_set():
        await recorder.scrape(servers)
        figures = await asyncio.to_thread(redis_keys, client)
        for name, server in servers.items():
            figures |= {f"{name} MiB": server.memory(), f"{name} descriptors": server.descriptors()}
        into.append(figures)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stopped.wait(), INTERVAL)
    client.close()


async def rows(url: str) -> dict[str, int]:
    """Rows of every table, and tasks by status."""
    connection = await asyncpg.connect(**connection_arguments(make_url(url)))
    try:
        tables = await connection.fetch("SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace")
        counted = {row[0]: await connection.fetchval(f"SELECT count(*) FROM {row[0]}") for row in tables}  # noqa: S608  names of tables
        states = await connection.fetch("SELECT status::text, count(*) FROM tasks GROUP BY 1")
        return {**counted, **{f"tasks {row[0]}": row[1] for row in states}}
    finally:
        await connection.close()


def grown(samples: Samples) -> dict[str, tuple[float, float]]:
    """Return each figure's mean over the first and over the second half of the samples after the warm-up.

    A run that is shorter than the warm-up is halved as a whole.
    """
    settled = samples[int(WARM_UP // INTERVAL) :]
    settled = settled if len(settled) > 1 else samples
    middle = max(1, len(settled) // 2)
    halves = settled[:middle], settled[middle:]
    names = dict.fromkeys(name for one in settled for name in one)
    first, second = ({name: sum(one.get(name, 0) for one in half) / len(half) for name in names} for half in halves)
    return {name: (first[name], second[name]) for name in names}


def percentile(values: list[float], share: int) -> float:
    """The value that a share of all does not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, len(ordered) * share // 100)]


def certified(folder: Path) -> Path:
    """A key and a certificate of its own for 127.0.0.1, in one file: production takes no mail server without TLS."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "soak")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = folder / "smtp.pem"
    private = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    path.write_bytes(private + certificate.public_bytes(serialization.Encoding.PEM))
    return path


def tls_of(certificate: Path) -> ssl.SSLContext:
    """The server's side of TLS with that certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context


@contextlib.contextmanager
def processes(project: Path, folder: Path) -> Iterator[tuple[dict[str, Server], str, str, str, Sink]]:
    """API, worker, PostgreSQL, Valkey and mail server. Yields servers, base URL, database, Redis and sink."""
    sink = Sink()
    certificate = certified(folder.parent)
    smtp = Controller(sink, hostname="127.0.0.1", port=free_port(), ssl_context=tls_of(certificate))
    smtp.start()
    with addresses(folder) as found:
        master = make_url(found.database_url)
        passwords = {"app": secrets.token_hex(16), "migrations": secrets.token_hex(16)}
        urls = {
            role: master.set(username=role, password=password).render_as_string(hide_password=False) for role, password in passwords.items()
        }
        environment = {
            **service_environment(found),
            **PRODUCTION,
            "DATABASE_POOL_SIZE": "3",
            "SMTP_HOST": "127.0.0.1",
            "SMTP_PORT": str(smtp.port),
            "SMTP_TLS": "implicit",
            # The certificates that the process trusts in place of the system's.
            "SSL_CERT_FILE": str(certificate),
            "PUBLIC_URL": "https://service.example.com",
            "WORKER_PORT": str(free_port()),
        }
        for name, password in passwords.items():
            environment |= {f"{name.upper()}_DATABASE_USER": name, f"{name.upper()}_DATABASE_PASSWORD": password}
        command = [sys.executable, "-m", "app"]
        for words, url in (("database-roles", found.database_url), ("migrate", urls["migrations"])):
            one = {**environment, "DATABASE_URL": url}
            subprocess.run([*command, words], cwd=project, env=one, check=True, stdout=subprocess.DEVNULL)
        environment["DATABASE_URL"] = urls["app"]
        port = free_port()
        base = f"http://127.0.0.1:{port}{environment.get('ROUTE_PREFIX', '/api')}"
        api = [*command, "api", "--host", "127.0.0.1", "--port", str(port)]
        worker = [*command, "worker", "--host", "127.0.0.1"]
        logs = folder.parent
        options: dict[str, Any] = {"environment": environment, "directory": project}
        with (
            running("api", api, port=port, log=logs / "api.log", **options) as first,
            running("worker", worker, port=int(environment["WORKER_PORT"]), log=logs / "worker.log", **options) as second,
        ):
            until_ready(f"{base}/health/ready")
            until_ready(f"http://127.0.0.1:{second.port}/live")
            yield {"api": first, "worker": second}, base, found.database_url, found.redis_url, sink
    smtp.stop()


async def progress(run: Soak, started: float) -> None:
    """Report progress once a minute, so that an interrupted run has some output."""
    while True:
        await asyncio.sleep(60)
        failed = sum(count for (_, status), count in run.statuses.items() if status == 0 or status >= httpx.codes.INTERNAL_SERVER_ERROR)
        print(f"{time.monotonic() - started:5.0f} s: {sum(run.statuses.values())} answers, {failed} 5xx or none", flush=True)


async def drive(
    base: str, servers: dict[str, Server], redis_url: str, sink: Sink, *, recorder: Recorder, pace: tuple[float, float]
) -> tuple[Soak, Samples, float]:
    """Send for the seconds and at the rate of the pace, sample, and wait for the last mails."""
    samples: Samples = []
    stopped = asyncio.Event()
    sampling = asyncio.create_task(sample(servers, redis_url, samples, recorder, stopped))
    async with httpx.AsyncClient(base_url=base, timeout=30, limits=httpx.Limits(max_connections=200)) as client:
        run = Soak(client)
        before = time.monotonic()
        telling = asyncio.create_task(progress(run, before))
        await run.run(*pace)
        telling.cancel()
        took = time.monotonic() - before
    stopped.set()
    await sampling
    deadline = time.monotonic() + 120
    while sum(sink.received.values()) < len(run.registered) and time.monotonic() < deadline:  # noqa: ASYNC110  another thread counts
        await asyncio.sleep(0.5)
    await asyncio.sleep(2)
    return run, samples, took


def soak(project: Path, folder: Path, minutes: float, rate: float, record: Path | None) -> int:
    """Run, print, and return the status of the process."""
    recorder = Recorder()
    with processes(project, folder) as (servers, base, database, redis_url, sink):
        run, samples, took = asyncio.run(drive(base, servers, redis_url, sink, recorder=recorder, pace=(minutes * 60, rate)))
        counted = asyncio.run(rows(database))
    if record:
        recorder.write(record, folder.parent)
    total = sum(run.statuses.values())
    machine = f"load of the machine {os.getloadavg()[1]:.1f} on {os.cpu_count()} cores"
    print(f"{total} requests in {took:.0f} s, {total / took:.1f} a second; {machine}")
    print(f"{'':<16} {'answers':<28} {'p50':>8} {'p95':>8} {'p99':>8}  seconds")
    for kind in sorted({kind for kind, _ in run.statuses}):
        answers = ", ".join(f"{count} x {status}" for (one, status), count in sorted(run.statuses.items()) if one == kind)
        times = [f"{percentile(run.seconds[kind], share):8.3f}" for share in (50, 95, 99)] if run.seconds[kind] else []
        print(f"{kind:<16} {answers:<28} {' '.join(times)}")
    faults = list(run.wrong)
    for name, (early, late) in grown(samples).items():
        print(f"{name:<20} {early:9.1f} in the first half after the warm-up, {late:9.1f} in the second")
        if took > 2 * WARM_UP and late > early * GROWTH + 3:
            faults.append(f"{name} grew from {early:.1f} to {late:.1f}")
    print("rows: " + ", ".join(f"{name} {count}" for name, count in sorted(counted.items())))
    mails = Counter(sink.received)
    print(f"mails: {sum(mails.values())} to {len(run.registered)} registered users")
    if missing := [email for email in run.registered if mails[email] != 1]:
        faults.append(f"{len(missing)} users have another number of mails than one")
    faults += [
        f"tasks left: {name} {count}" for name, count in counted.items() if name.startswith("tasks ") and "succeeded" not in name and count
    ]
    for fault, count in Counter(faults).most_common(20):
        print(f"FAULT {count} x {fault}")
    return 1 if faults else 0


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("project", type=Path)
    parser.add_argument("--minutes", type=float, default=12)
    parser.add_argument("--rate", type=float, default=20)
    parser.add_argument("--record", type=Path)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        raise SystemExit(soak(given.project, Path(directory) / "services", given.minutes, given.rate, given.record))
