"""The page of `app dev --observe`: its arithmetic, its server, and that its panels read metrics which exist."""

import json
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx
import pytest
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from app.dev.observe import server
from app.dev.observe.panels import PANELS, Panel, Scrape, Step, routes
from app.dev.observe.server import Observer, observing
from tests.conftest import ROOT


class Process:
    """A process with some of the service's metrics, which answers scrapes."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter("http_requests", "", registry=self.registry)
        self.errors = Counter("http_server_errors", "", registry=self.registry)
        self.hits = Counter("cache_hits", "", registry=self.registry)
        self.misses = Counter("cache_misses", "", registry=self.registry)
        self.due = Gauge("tasks_due", "", registry=self.registry)
        self.seconds = Histogram(
            "http_request_seconds", "", ["method", "route", "status"], buckets=(0.1, 0.2, 1), registry=self.registry
        )

    def scrape(self, time: float) -> Scrape:
        return Scrape.read(generate_latest(self.registry).decode(), time)


def measured(title: str, label: str, step: Step, process: str = "api") -> float | None:
    panel = next(panel for panel in PANELS if panel.title == title)
    return next(line for line in panel.lines if line.label == label).measure({process: step})


def stepped(act: Callable[[Process], None], seconds: float = 2) -> Step:
    process = Process()
    before = process.scrape(100)
    act(process)
    return Step(before, process.scrape(100 + seconds))


def test_a_rate_is_a_counters_growth_in_a_second() -> None:
    assert measured("Requests", "requests", stepped(lambda process: process.requests.inc(10))) == 5


def test_a_counter_that_shrank_began_again_at_zero() -> None:
    before, after = Process(), Process()
    before.requests.inc(90)
    after.requests.inc(6)
    assert measured("Requests", "requests", Step(before.scrape(100), after.scrape(102))) == 3


def test_a_share_of_nothing_is_no_value() -> None:
    assert measured("Cache hits", "hits", stepped(lambda _process: None)) is None

    def read(process: Process) -> None:
        process.hits.inc(3)
        process.misses.inc(1)

    assert measured("Cache hits", "hits", stepped(read)) == 75


def test_a_quantile_lies_within_its_bucket() -> None:
    def answer(process: Process) -> None:
        for seconds in [0.05] * 50 + [0.15] * 40 + [5.0] * 10:
            process.seconds.labels("GET", "/", "2xx").observe(seconds)

    step = stepped(answer)
    assert measured("Response time", "p50", step) == pytest.approx(100)
    # A histogram has no information about values above its last bound.
    assert measured("Response time", "p95", step) == 1000


def test_a_gauge_is_read_where_it_is_measured() -> None:
    step = stepped(lambda process: process.due.set(7))
    assert measured("Backlog", "tasks due", step, "worker") == 7
    assert measured("Backlog", "tasks due", step, "api") is None


def test_routes_are_listed_by_their_requests() -> None:
    def answer(process: Process) -> None:
        for route, status, times in [("/one", "2xx", 2), ("/two", "2xx", 3), ("/two", "5xx", 1)]:
            for _ in range(times):
                process.seconds.labels("GET", route, status).observe(0.05)

    rows = routes({"api": stepped(answer)})
    assert [(row.route, row.requests, row.errors) for row in rows] == [("GET /two", 4, 1), ("GET /one", 2, 0)]
    assert rows[0].p95 == pytest.approx(95)


@pytest.mark.parametrize("panel", PANELS, ids=[panel.title for panel in PANELS])
def test_a_panel_reads_metrics_that_exist(panel: Panel) -> None:
    """Compare with the reference, which another test compares with running processes."""
    known = set(re.findall(r"^\| `([a-z_]+)` \|", (ROOT / "docs/reference/metrics.md").read_text(), re.MULTILINE))
    asked: set[str] = set()

    class Noting(dict[str, dict[frozenset[tuple[str, str]], float]]):
        def get(self, name: str, *_default: object) -> dict[frozenset[tuple[str, str]], float]:
            asked.add(name.removesuffix("_bucket"))
            return {}

    step = Step(Scrape(0, Noting()), Scrape(1, Noting()))
    for line in panel.lines:
        line.measure({"api": step, "worker": step})
    assert asked
    # A service without its own accounts has no logins, so the page omits the panel.
    assert asked <= known or panel.needs not in known


@contextmanager
def exposing(process: Process) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(generate_latest(process.registry))

        def log_message(self, format: str, *args: object) -> None:
            """Log nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as listening:
        thread = threading.Thread(target=listening.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listening.server_port}/metrics"
        listening.shutdown()
        thread.join()


def test_a_process_that_does_not_answer_leaves_a_gap() -> None:
    process = Process()
    with exposing(process) as url:
        observer = Observer({"api": url, "worker": "http://127.0.0.1:1/metrics"})
        for now in (100, 102, 104):
            observer.look(now)
            process.requests.inc(4)
    observer.look(106)
    data = json.loads(json.dumps(observer.data()))
    panel = next(panel for panel in data["panels"] if panel["title"] == "Requests")
    assert panel["lines"][0]["values"] == [None, 2, 2, None]
    assert data["times"] == [100, 102, 104, 106]
    assert data["processes"] == {"api": False, "worker": False}
    # A panel is omitted if no process has its metric.
    assert "Logins" not in {panel["title"] for panel in data["panels"]}


def test_the_page_is_served_on_this_machine_with_all_that_it_loads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "INTERVAL", 0.01)
    with exposing(Process()) as url, observing({"api": url}) as page, httpx.Client(base_url=page) as client:
        assert page.startswith("http://127.0.0.1:")
        answers = {path: client.get(path) for path in ("/", "/page.css", "/page.js", "/data.json")}
        assert {answer.status_code for answer in answers.values()} == {200}
        assert answers["/page.js"].headers["content-type"] == "text/javascript; charset=utf-8"
        loaded = re.findall(r'(?:src|href)="([^"]+)"', answers["/"].text)
        assert set(loaded) == {"/page.css", "/page.js", "data:,"}
        assert "http" not in answers["/page.js"].text.replace("http://www.w3.org/2000/svg", "")
        assert "default-src 'none'" in answers["/"].headers["content-security-policy"]
        assert client.get("/../server.py").status_code == 404
    with pytest.raises(httpx.TransportError):
        httpx.get(page)
