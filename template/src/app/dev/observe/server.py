"""The page's server. It scrapes API and worker every two seconds, keeps ten minutes, and serves only this machine."""

import json
import threading
import time
import urllib.error
import urllib.request
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from app.dev.observe.panels import PANELS, Scrape, Step, Steps, routes, shown

INTERVAL = 2.0
# Number of points in a line: ten minutes.
KEPT = 300
# Number of scrapes that a point covers: ten seconds, in which even a quiet service gets a few requests.
_WINDOW = 6
# Number of scrapes that the table of routes covers: one minute.
_RECENT = 31
_ROUTES = 12
_TIMEOUT = 1.0
_FOLDER = Path(__file__).parent
_FILES = {
    "/": ("page.html", "text/html"),
    "/page.css": ("page.css", "text/css"),
    "/page.js": ("page.js", "text/javascript"),
}
# The page loads nothing from other hosts, and no other page may embed it.
_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}

Line = deque[float | None]


class Observer:
    """Scrapes processes, and keeps the lines of the page. `targets` are the URLs of /metrics by process."""

    def __init__(self, targets: Mapping[str, str]) -> None:
        self._targets = targets
        self._lock = threading.Lock()
        self._recent: deque[Mapping[str, Scrape]] = deque(maxlen=_RECENT)
        self._times: deque[float] = deque(maxlen=KEPT)
        self._lines: list[list[Line]] = [[deque(maxlen=KEPT) for _ in panel.lines] for panel in PANELS]

    def look(self, now: float) -> None:
        """Scrape once, and add a point to every line."""
        scrapes = {name: scrape for name, url in self._targets.items() if (scrape := _scraped(url, now))}
        with self._lock:
            self._recent.append(scrapes)
            self._times.append(now)
            steps = self._steps(_WINDOW)
            for panel, lines in zip(PANELS, self._lines, strict=True):
                for line, values in zip(panel.lines, lines, strict=True):
                    values.append(line.measure(steps))

    def data(self) -> dict[str, object]:
        """Return the data of the page. Times are seconds since 1970; values that were not measured are None."""
        with self._lock:
            last = self._recent[-1] if self._recent else {}
            present = shown(scrape for scrapes in self._recent for scrape in scrapes.values())
            return {
                "processes": {name: name in last for name in self._targets},
                "build": _build(last.values()),
                "times": list(self._times),
                "panels": [
                    {
                        "title": panel.title,
                        "unit": panel.unit,
                        "mark": panel.mark,
                        "lines": [
                            {"label": line.label, "values": [_rounded(value) for value in values]}
                            for line, values in zip(panel.lines, lines, strict=True)
                        ],
                    }
                    for panel, lines in zip(PANELS, self._lines, strict=True)
                    if panel in present
                ],
                "routes": [
                    {"route": row.route, "requests": row.requests, "errors": row.errors, "p95": _rounded(row.p95)}
                    for row in routes(self._steps(_RECENT))[:_ROUTES]
                ],
            }

    def _steps(self, most: int) -> Steps:
        """Return the first and last of the latest scrapes of each process that answered at least twice."""
        recent = list(self._recent)[-most:]
        first = {name: scrape for scrapes in reversed(recent) for name, scrape in scrapes.items()}
        last = recent[-1] if recent else {}
        return {name: Step(first[name], scrape) for name, scrape in last.items() if first[name] is not scrape}


def _scraped(url: str, now: float) -> Scrape | None:
    """Return a process's metrics, or None while it does not answer, for example during a restart."""
    try:
        with urllib.request.urlopen(url, timeout=_TIMEOUT) as answer:  # noqa: S310  a URL of the caller  # nosec B310
            return Scrape.read(answer.read().decode(), now)
    except (OSError, ValueError, urllib.error.URLError):
        return None


def _build(scrapes: Iterable[Scrape]) -> Mapping[str, str]:
    """Return the labels of the first process that reports its release."""
    for scrape in scrapes:
        for labels in scrape.series.get("build_info", {}):
            return dict(labels)
    return {}


def _rounded(value: float | None) -> float | None:
    return None if value is None else float(f"{value:.4g}")


def _handler(observer: Observer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path == "/data.json":
                self._answer("application/json", json.dumps(observer.data()).encode())
            elif self.path in _FILES:
                name, kind = _FILES[self.path]
                self._answer(f"{kind}; charset=utf-8", (_FOLDER / name).read_bytes())
            else:
                self.send_error(HTTPStatus.NOT_FOUND)

        def _answer(self, kind: str, body: bytes) -> None:
            self.send_response(HTTPStatus.OK)
            for name, value in {**_HEADERS, "Content-Type": kind, "Content-Length": str(len(body))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Log nothing: the page asks every two seconds."""

    return Handler


@contextmanager
def observing(targets: Mapping[str, str], port: int = 0) -> Iterator[str]:
    """Serve the page on 127.0.0.1 for the length of the block. Yields its URL."""
    observer, stopping = Observer(targets), threading.Event()

    def keep_looking() -> None:
        while not stopping.wait(INTERVAL):
            observer.look(time.time())

    with ThreadingHTTPServer(("127.0.0.1", port), _handler(observer)) as server:
        server.daemon_threads = True
        threads = [threading.Thread(target=run, daemon=True) for run in (server.serve_forever, keep_looking)]
        for thread in threads:
            thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/"
        finally:
            stopping.set()
            server.shutdown()
            for thread in threads:
                thread.join()
