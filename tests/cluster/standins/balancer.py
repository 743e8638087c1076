"""The behaviour of an Application Load Balancer and its controller for one Service, in one process.

Pods of the API become targets when their containers are ready. A target is healthy once it has passed a check, and unhealthy after two
failures. Once it is healthy, its pod gets the condition that its readiness gate waits for. A pod that ends gets requests for
PROPAGATION_SECONDS more, because AWS takes that long to learn of it. Connections to targets stay open and are used again. No request is
repeated: when a target breaks off, the client gets a 502, as from the real one.
"""

import asyncio
import json
import os
import ssl
import urllib.request
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
API = "https://kubernetes.default.svc"
NAMESPACE = os.environ["SERVICE_NAMESPACE"]
HEALTH_PATH = os.environ["HEALTH_PATH"]
GATE = os.environ["READINESS_GATE"]
HOST_NAME = os.environ["HOST_NAME"]
PORT = 8000
# As in base/ingress.yaml.
CHECK_SECONDS, CHECK_TIMEOUT, UNHEALTHY_AFTER = 10, 5, 2
PROPAGATION_SECONDS = 5
# The load balancer's idle time-out. The API keeps its connections open for longer.
IDLE_SECONDS = 60

Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@dataclass(eq=False)
class Target:
    """One pod's address."""

    pod: str
    address: str
    healthy: bool = False
    draining: bool = False
    failures: int = 0
    idle: list[tuple[float, Connection]] = field(default_factory=list)

    async def connection(self) -> Connection:
        """An open connection, or a new one. Raises OSError."""
        now = asyncio.get_running_loop().time()
        while self.idle:
            since, (reader, writer) = self.idle.pop()
            if now - since < IDLE_SECONDS and not reader.at_eof():
                return reader, writer
            writer.close()
        return await asyncio.wait_for(asyncio.open_connection(self.address, PORT), 5)


targets: dict[str, Target] = {}
turns = count()


def call_api(method: str, path: str, body: object = None) -> dict[str, Any]:
    """One call of the Kubernetes API."""
    context = ssl.create_default_context(cafile=str(ACCOUNT / "ca.crt"))
    # Some clusters' root certificates have no key usage, which strict verification requires.
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    headers = {"Authorization": f"Bearer {(ACCOUNT / 'token').read_text()}", "Content-Type": "application/merge-patch+json"}
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(API + path, data, headers, method=method)
    with urllib.request.urlopen(request, timeout=10, context=context) as answer:
        found: dict[str, Any] = json.load(answer)
        return found


async def follow_pods() -> None:
    """Register pods as targets, and let them go."""
    path = f"/api/v1/namespaces/{NAMESPACE}/pods?labelSelector=app.kubernetes.io/name%3Dapi"
    while True:
        try:
            pods = (await asyncio.to_thread(call_api, "GET", path))["items"]
            await register(pods)
        except Exception as error:  # noqa: BLE001  an API server that restarts: the next turn asks again
            print("pods:", error, flush=True)
        await asyncio.sleep(1)


async def register(pods: list[dict[str, Any]]) -> None:
    """Bring the targets in line with the pods."""
    running = {pod["metadata"]["uid"]: pod for pod in pods if "deletionTimestamp" not in pod["metadata"]}
    for uid, pod in running.items():
        if uid not in targets and condition(pod, "ContainersReady"):
            target = targets[uid] = Target(pod["metadata"]["name"], pod["status"]["podIP"])
            keep(check(target))
        elif uid in targets and targets[uid].healthy and not condition(pod, GATE):
            await asyncio.to_thread(open_gate, pod)
    for uid in set(targets) - set(running):
        if not targets[uid].draining:
            targets[uid].draining = True
            keep(forget(uid))


def condition(pod: dict[str, Any], name: str) -> bool:
    conditions = pod["status"].get("conditions", [])
    return any(each["type"] == name and each["status"] == "True" for each in conditions)


def open_gate(pod: dict[str, Any]) -> None:
    """Let the pod become ready."""
    conditions = [each for each in pod["status"]["conditions"] if each["type"] != GATE]
    change = {
        "metadata": {"resourceVersion": pod["metadata"]["resourceVersion"]},
        "status": {"conditions": [*conditions, {"type": GATE, "status": "True"}]},
    }
    try:
        call_api("PATCH", f"/api/v1/namespaces/{NAMESPACE}/pods/{pod['metadata']['name']}/status", change)
    except OSError as error:  # the pod has changed in the meantime: the next iteration handles it
        print("gate:", error, flush=True)


async def forget(uid: str) -> None:
    """Stop sending requests to a pod that ends, as late as AWS does."""
    await asyncio.sleep(PROPAGATION_SECONDS)
    for _, (_, writer) in targets.pop(uid).idle:
        writer.close()


async def check(target: Target) -> None:
    """Health checks, for as long as the target is registered."""
    while target in targets.values():
        head, _, _ = await forward(target, f"GET {HEALTH_PATH} HTTP/1.1\r\nHost: {target.address}\r\n\r\n".encode(), CHECK_TIMEOUT)
        passed = b" 200 " in head.partition(b"\r\n")[0]
        target.failures = 0 if passed else target.failures + 1
        target.healthy = passed or (target.healthy and target.failures < UNHEALTHY_AFTER)
        await asyncio.sleep(CHECK_SECONDS if target.healthy else 2)


async def forward(target: Target, request: bytes, seconds: float) -> tuple[bytes, bytes, str]:
    """Head and body of a target's answer. A 502 with the reason, when it gives none."""
    try:
        return (*await asyncio.wait_for(_forward(target, request), seconds), "")
    except (OSError, asyncio.IncompleteReadError, TimeoutError, ValueError) as error:
        reason = f"{target.pod}: {type(error).__name__} {error}".strip()
        return f"HTTP/1.1 502 Bad Gateway\r\nX-Reason: {reason}\r\n".encode(), b"", reason


async def _forward(target: Target, request: bytes) -> tuple[bytes, bytes]:
    reader, writer = await target.connection()
    try:
        writer.write(request)
        await writer.drain()
        head = await reader.readuntil(b"\r\n\r\n")
        fields = headers_of(head)
        if fields.get("transfer-encoding", "").lower() == "chunked":
            body = await chunks(reader)
        else:
            body = await reader.readexactly(int(fields.get("content-length", "0")))
    except BaseException:
        writer.close()
        raise
    if fields.get("connection", "").lower() == "close" or target.draining:
        writer.close()
    else:
        target.idle.append((asyncio.get_running_loop().time(), (reader, writer)))
    return b"".join(line + b"\r\n" for line in head.split(b"\r\n") if line and not line.lower().startswith(HOP_BY_HOP)), body


HOP_BY_HOP = (b"transfer-encoding:", b"content-length:", b"connection:")


def headers_of(head: bytes) -> dict[str, str]:
    lines = head.decode("latin-1").split("\r\n")[1:]
    return {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines) if name}


async def chunks(reader: asyncio.StreamReader) -> bytes:
    body = b""
    while size := int((await reader.readuntil(b"\r\n")).split(b";")[0], 16):
        body += (await reader.readexactly(size + 2))[:-2]
    await reader.readuntil(b"\r\n")
    return body


def choose() -> Target | None:
    """The next healthy target; any registered one while none is healthy."""
    registered = list(targets.values())
    candidates = [target for target in registered if target.healthy] or registered
    return candidates[next(turns) % len(candidates)] if candidates else None


async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """One client's connection."""
    try:
        while True:
            head = await reader.readuntil(b"\r\n\r\n")
            body = await reader.readexactly(int(headers_of(head).get("content-length", "0")))
            target = choose()
            if target is None:
                answer, content = b"HTTP/1.1 503 Service Unavailable\r\nX-Reason: no target\r\n", b""
            else:
                answer, content, reason = await forward(target, head + body, IDLE_SECONDS)
                if reason:
                    print("broken:", reason, flush=True)
            writer.write(answer + b"Content-Length: %d\r\n\r\n" % len(content) + content)
            await writer.drain()
    except (OSError, asyncio.IncompleteReadError):
        pass
    finally:
        writer.close()


async def publish_host_name() -> None:
    """Write the load balancer's name into the Ingress, once there is one."""
    path = f"/apis/networking.k8s.io/v1/namespaces/{NAMESPACE}/ingresses/api"
    wanted = {"loadBalancer": {"ingress": [{"hostname": HOST_NAME}]}}
    while True:
        try:
            found = await asyncio.to_thread(call_api, "GET", path)
            if found.get("status") != wanted:
                await asyncio.to_thread(call_api, "PATCH", f"{path}/status", {"status": wanted})
        except OSError:
            pass
        await asyncio.sleep(5)


background: set[asyncio.Task[None]] = set()


def keep(work: Any) -> None:
    """Run beside everything else."""
    task = asyncio.ensure_future(work)
    background.add(task)
    task.add_done_callback(background.discard)


async def main() -> None:
    """Serve until killed."""
    keep(follow_pods())
    keep(publish_host_name())
    server = await asyncio.start_server(serve, "0.0.0.0", 8080, limit=2**20)  # noqa: S104  the pod's own address
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
