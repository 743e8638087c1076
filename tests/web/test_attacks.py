"""Attacks on the page: each is refused or bounded, and the server answers the next request.

Those on the connection run against a real server on the loopback interface; the rest call the application in process.
"""

import io
import re
import socket
import threading
import zipfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import httpx2 as httpx
import pytest
from starlette.testclient import TestClient

from sampan.source import Template
from tests.web.conftest import GENEROUS, served

SHORT = replace(GENEROUS, header_seconds=0.6, deadline_seconds=2.0, connections=30)
"""A server that loses its patience soon."""

TRAVERSALS = [
    "../../etc/passwd",
    "/etc/../passwd",
    "..\\..\\windows",
    "....//....//etc",
    "%2e%2e%2f",
    "a/../../b",
    "~root",
    ".git/config",
    "C:\\x",
]
MARKUP = ["{{ 7 * 191 }}", "{= 7 * 191 =}", "{% raw %}", "#% set a = 7", "[[ 7 * 191 ]]", "${7*191}", "{## 7 * 191 ##}"]
SCRIPTS = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "' onfocus=alert(1) autofocus='",
    "</textarea></code><svg onload=alert(1)>",
    "javascript:alert(1)",
    "&lt;script&gt;alert(1)&lt;/script&gt;",
    "</title><script>alert(1)</script>",
]
REFLECTED = [
    "/?project_name={}",
    "/?service={}",
    "/?profile={}",
    "/?environments={}",
    "/?unknown={}",
    "/?{}=1",
    "/?from={}",
    "/project.zip?service={}",
    "/files?service={}",
    "/file?path={}",
    "/files?was={}",
    "/compare?a={}&b={}",
    "/{}",
]


class Tags(HTMLParser):
    """The elements of a page that a browser would execute."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.scripts: list[str] = []
        self.handlers: list[str] = []
        self.links: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag in {"script", "iframe", "object", "embed", "base"}:
            self.scripts.append(given.get("src", "inline"))
        self.handlers += [name for name in given if name.startswith("on") or name in {"autofocus", "srcdoc", "style"}]
        self.links += [given[name] for name in ("href", "src", "action", "formaction", "xlink:href") if name in given]


def some(texts: Sequence[Any], most: int = 2) -> list[Any]:
    """The texts as parameters; those after the first ones belong to the slow tests."""
    return [pytest.param(text, marks=() if number < most else pytest.mark.slow) for number, text in enumerate(texts)]


def pairs(rows: Sequence[tuple[str, str]], most: int) -> list[Any]:
    """The rows as parameters; those after the first ones belong to the slow tests."""
    return [pytest.param(*row, marks=() if number < most else pytest.mark.slow) for number, row in enumerate(rows)]


def followed(client: TestClient, url: str) -> httpx.Response:
    return client.get(url, follow_redirects=True)


# --------------------------------------------------------------------------------------------------------- paths and names


@pytest.mark.parametrize("name", ["service", "platform_name", "team", "github_owner", "route_prefix"])
@pytest.mark.parametrize("text", some(TRAVERSALS))
def test_a_name_is_never_a_path(name: str, text: str, client: TestClient) -> None:
    assert client.get("/project.zip", params={name: text}).status_code == 422
    assert f'id="{name}-error"' in client.get("/", params={name: text}, follow_redirects=True).text


@pytest.mark.parametrize("text", [*TRAVERSALS, "README.md/", "./README.md", "//README.md", "README.md\0.txt", "", "docs", "*"])
def test_a_path_names_a_rendered_file_or_nothing(text: str, client: TestClient) -> None:
    refused = client.get("/file", params={"path": text})
    assert refused.status_code == 404
    assert "root:" not in refused.text
    assert client.get("/file", params={"path": "README.md"}).status_code == 200


def test_the_zip_holds_relative_paths_below_one_folder_and_no_links(client: TestClient) -> None:
    with zipfile.ZipFile(io.BytesIO(client.get("/project.zip?project_name=..%2F..%2Fetc").content)) as archive:
        entries = archive.infolist()
    assert len(entries) > 500
    folders = {entry.filename.split("/")[0] for entry in entries}
    assert len(folders) == 1
    for entry in entries:
        assert not re.search(r"(^|/)\.\.(/|$)|^/|\\|\0", entry.filename), entry.filename
        assert (entry.external_attr >> 16) & 0o170000 == 0o100000, "a regular file"


# ------------------------------------------------------------------------------------------------------------------ texts


def test_markup_of_templates_is_text_in_the_page_and_in_the_project(client: TestClient, tmp_path: Path) -> None:
    answers = {"project_name": MARKUP[1], "description": " ".join(MARKUP)}
    assert "1337" not in client.get("/", params=answers, follow_redirects=True).text
    archive = client.get("/project.zip", params=answers)
    assert archive.status_code == 200
    with zipfile.ZipFile(io.BytesIO(archive.content)) as opened:
        opened.extractall(tmp_path)  # the previous test checks the paths
    [readme] = tmp_path.glob("*/README.md")
    assert readme.read_text(encoding="utf-8").startswith(f"# {MARKUP[1]}\n")
    texts = [path.read_text(encoding="utf-8") for path in tmp_path.rglob("*") if path.suffix in {".md", ".toml", ".yml", ".py", ".tf"}]
    assert not [text for text in texts if re.search(r"(?<![\d.])1337(?!\d)", text)]


def test_credentials_in_the_templates_url_are_given_to_nobody(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    desk = client.app.state.pages.desk  # type: ignore[attr-defined]  # Starlette's client types any ASGI application
    location = "https://bot:s3cr%t@git.example.com/platform/sampan.git"
    monkeypatch.setattr(desk, "template", replace(desk.template, location=location))
    page = client.get("/?team=credentials").text
    stored = client.get("/file?team=credentials&path=.copier-answers.yml").text
    for text in (page, stored):
        assert "https://git.example.com/platform/sampan.git" in text
        assert "s3cr" not in text


@pytest.mark.parametrize("place", REFLECTED)
@pytest.mark.parametrize("text", some(SCRIPTS))
def test_no_text_becomes_markup_or_a_script(place: str, text: str, client: TestClient) -> None:
    response = followed(client, place.replace("{}", quote(text, safe="")))
    assert response.status_code < 500
    if response.headers["content-type"].startswith("text/html"):
        tags = Tags(response.text)
        assert all(source.startswith("/static/") for source in tags.scripts)
        assert not tags.handlers
        assert not [link for link in tags.links if not link.startswith(("/", "#"))]
    assert response.headers["x-content-type-options"] == "nosniff"
    assert response.headers["content-security-policy"].startswith("default-src 'none'")


@pytest.mark.parametrize("text", some(["a\r\nSet-Cookie: x=1", 'a"; filename="evil.exe', "a\nX: 1", "a\u2028b", "a;b", "\u202egnp.zip"]))
def test_no_text_becomes_a_header(text: str, client: TestClient) -> None:
    for name in ("service", "project_name"):
        for path in ("/", "/project.zip", "/answers.yml"):
            response = client.get(path, params={name: text})
            assert "set-cookie" not in response.headers
            assert "x" not in response.headers
            disposition = response.headers.get("content-disposition", "")
            assert re.fullmatch(r'(attachment; filename="[a-z0-9-]+\.(zip|yml)")?', disposition), disposition
            assert "\n" not in response.headers.get("location", "")


@pytest.mark.parametrize("path", ["//evil.example/", "//evil.example/?waf=true", "/\\evil.example", "/%2fevil.example", "/?//evil.example"])
def test_a_redirect_stays_on_the_site(path: str, client: TestClient) -> None:
    location = client.get(path).headers.get("location", "/")
    assert location == "/" or location.startswith("/?")
    assert urlsplit(location).netloc == ""


@pytest.mark.parametrize(
    "query",
    some(
        [
            b"project_name=%ff%fe",
            b"project_name=%c0%ae%c0%ae",
            b"%ff=%ff",
            b"service=a%00b",
            b"service=%00",
            b"project_name=a%1b%5b31m",
            b"project_name=%ed%a0%80",
            b"db_storage_gb=%d9%a3%d9%a0",
            b"db_storage_gb=1e3",
            b"db_storage_gb=99999999999999999999999999",
            b"db_storage_gb=-1",
            b"node_min=0x10",
            b"profile=sandbox%00",
            b"environments=%00,dev",
            b"&&&===&",
            b"%",
            b"path=%ff&was=%ff&from=%ff",
        ],
        5,
    ),
)
def test_odd_bytes_are_refused_or_ignored(query: bytes, client: TestClient) -> None:
    for path in ("/", "/answers.yml", "/file"):
        response = followed(client, f"{path}?{query.decode('latin-1')}")
        assert response.status_code in {200, 404, 422}, path
        assert "\0" not in response.text
    assert client.get("/answers.yml").status_code == 200


def test_of_two_answers_the_last_one_counts_everywhere(client: TestClient) -> None:
    """A filter before the server and the server itself must not read two different answers."""
    twice = "profile=sandbox&profile=regulated&db_storage_gb=50&db_storage_gb=60&domain=api.example.com"
    assert client.get(f"/?{twice}").headers["location"] == "/?profile=regulated&db_storage_gb=60&domain=api.example.com"
    file = client.get(f"/answers.yml?{twice}").text
    assert "profile: regulated" in file
    assert "sandbox" not in file
    assert client.get("/?from=profile%3Dsandbox&from=&profile=startup").headers["location"] == "/"


# ------------------------------------------------------------------------------------------------------------------- size


@pytest.mark.parametrize(
    "query",
    [
        "&".join(f"x{number}=1" for number in range(1_100)),
        "&".join(["environments=dev"] * 100),
        "&" * 7_900,
        "languages=" + ",".join(["en"] * 150),
        "project_name=" + "%F0%9F%9A%80" * 400,
        "project_name=a&" * 500,
        "from=" + quote("&".join(["project_name=a"] * 300)),
        "waf=" + "true" * 120,
    ],
    ids=["parameters", "list", "separators", "items", "emoji", "repeated", "nested", "switch"],
)
def test_many_or_large_parameters_are_read_once(query: str, client: TestClient) -> None:
    response = followed(client, f"/?{query}")
    assert response.status_code in {200, 414, 422}
    assert len(response.content) < 200_000


@pytest.mark.parametrize(
    ("name", "text"),
    pairs(
        [
            ("owner_email", "a" * 250 + "@" + "a-" * 120),
            ("owner_email", "a@" + "a." * 240 + "!"),
            ("domain", "a." * 240 + "!"),
            ("domain", "a-" * 249),
            ("service", "a" + "-a" * 240 + "!"),
            ("github_owner", "a-" * 240 + "!"),
            ("route_prefix", "/a-" * 160 + "!"),
            ("project_name", " " * 499 + "a"),
            ("vpc_cidr", "1" * 480 + "/16"),
            ("time_zone", "/" * 490),
            ("monthly_budget_usd", "9" * 490),
        ],
        4,
    ),
)
def test_no_text_keeps_a_validator_busy(name: str, text: str, client: TestClient) -> None:
    """A validator that backtracks on 500 characters would take longer than the deadline, which answers 503."""
    page = client.get("/", params={name: text}, follow_redirects=True)
    assert page.status_code == 200
    assert f'id="{name}-error"' in page.text


@pytest.mark.slow
def test_no_answers_make_a_project_much_larger(client: TestClient) -> None:
    """The longest texts that are accepted, and every option: neither the zip file nor its content grows beyond bounds."""
    longest = {
        "project_name": "n" * 60,
        "description": "d" * 120,
        "languages": "en,id,ms,th,vi,fil,zh",
        "profile": "regulated",
        "domain": "api.example.com",
        "api_public_cidrs": ",".join(f"10.{number}.0.0/16" for number in range(30)),
        "tracing": "true",
        "db_read_replica": "true",
        "dr_region": "ap-southeast-2",
    }
    sizes = []
    for answers in ({}, longest):
        response = client.get("/project.zip", params=answers)
        assert response.status_code == 200
        with zipfile.ZipFile(io.BytesIO(response.content)) as archive:
            sizes.append((len(response.content), sum(entry.file_size for entry in archive.infolist())))
    assert sizes[1][0] < 2 * sizes[0][0]
    assert sizes[1][1] < 2 * sizes[0][1] < 20_000_000


# ------------------------------------------------------------------------------------------------------------- connections


@contextmanager
def raw(url: str, sent: bytes = b"") -> Iterator[socket.socket]:
    """Give a connection on which bytes were sent."""
    parts = urlsplit(url)
    with socket.create_connection((str(parts.hostname), parts.port or 80), timeout=20) as connection:
        connection.sendall(sent)
        yield connection


def answer(connection: socket.socket) -> bytes:
    """Return everything until the server closes the connection."""
    received = b""
    try:
        while chunk := connection.recv(65_536):
            received += chunk
    except ConnectionResetError:
        pass
    return received


def status(received: bytes) -> int:
    found = re.match(rb"HTTP/1\.1 (\d+) ", received)
    return int(found[1]) if found else 0


def head(url: str, *lines: str, target: str = "/answers.yml") -> bytes:
    return "\r\n".join([f"GET {target} HTTP/1.1", f"Host: {urlsplit(url).netloc}", *lines, "", ""]).encode("latin-1")


@pytest.fixture(scope="module")
def impatient(plain_template: Template) -> Iterator[str]:
    with served(plain_template, SHORT) as url:
        assert httpx.get(url).status_code == 200
        yield url


def test_clients_that_send_slowly_are_cut_off_and_keep_nobody_out(impatient: str) -> None:
    """Slowloris: heads that never end, sent a byte at a time."""
    with ExitStack() as opened:
        slow = [opened.enter_context(raw(impatient, b"GET / HTTP/1.1\r\nHost: 127")) for _ in range(20)]
        assert httpx.get(f"{impatient}answers.yml").status_code == 200
        for connection in slow:
            connection.settimeout(10)
        for _ in range(40):
            for connection in list(slow):
                try:
                    connection.sendall(b".")
                except OSError:
                    slow.remove(connection)
            if not slow:
                break
            threading.Event().wait(0.1)
        assert not slow, "the server still listens to a head that does not end"
    assert httpx.get(f"{impatient}answers.yml").status_code == 200


def test_connections_without_a_request_are_closed(impatient: str) -> None:
    with ExitStack() as opened:
        silent = [opened.enter_context(raw(impatient)) for _ in range(20)]
        assert [answer(connection) for connection in silent] == [b""] * 20
    with raw(impatient, head(impatient)) as kept:
        assert status(answer(kept)) == 200, "and a connection that was answered, after a while without a second request"


def test_as_many_connections_as_there_may_be_keep_nobody_out(impatient: str) -> None:
    """A new connection takes the place of the silent connection with the longest wait."""
    with ExitStack() as opened:
        [first, *others] = [opened.enter_context(raw(impatient, b"GET / HTTP/1.1\r\n")) for _ in range(SHORT.connections + 5)]
        assert answer(first) == b""
        others[-1].sendall(f"Host: {urlsplit(impatient).netloc}\r\nConnection: close\r\n\r\n".encode())
        assert status(answer(others[-1])) == 200
        assert httpx.get(f"{impatient}health").status_code == 200


@pytest.mark.slow
def test_a_client_that_does_not_read_is_cut_off(plain_template: Template) -> None:
    """It asks for the zip file again and again on one connection, and reads none of them."""
    with served(plain_template, replace(GENEROUS, deadline_seconds=4.0)) as url:
        while httpx.get(f"{url}project.zip", timeout=60).status_code != 200:
            threading.Event().wait(0.5)
        parts = urlsplit(url)
        with socket.socket() as connection:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
            connection.settimeout(30)
            connection.connect((str(parts.hostname), parts.port or 80))
            connection.sendall(head(url, target="/project.zip") * 20)
            threading.Event().wait(8)
            received = answer(connection)
            assert httpx.get(f"{url}answers.yml").status_code == 200
    assert status(received) == 200
    assert received.count(b"HTTP/1.1 200") < 20, "the server stopped to send"


@pytest.mark.parametrize(
    ("request_", "expected"),
    [
        (b"GET / HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n", {421}),
        (b"GET / HTTP/1.1\r\nConnection: close\r\n\r\n", {400, 421}),
        (b"GET / HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\nConnection: close\r\n\r\n", {400, 421}),
        (b"GET http://evil.example/ HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n", {400, 421}),
        (b"GET / HTTP/1.1\r\nHost: localhost@evil.example\r\nConnection: close\r\n\r\n", {400, 421}),
        (
            b"GET / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n0\r\n\r\n",
            {400, 413},
        ),
        (b"GET / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\nContent-Length: 6\r\nConnection: close\r\n\r\nhello!", {400}),
        (b"GET / HTTP/1.1\r\nHost : localhost\r\nConnection: close\r\n\r\n", {400}),
        (b"GET / HTTP/1.1\r\nHost: localhost\r\nX: a\x00b\r\nConnection: close\r\n\r\n", {200, 400}),
        (b"GET /\xff\xfe HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", {400, 404}),
        (b"GET /?\x00 HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", {400}),
        (b"CONNECT evil.example:443 HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", {400, 405}),
        (b"TRACE / HTTP/1.1\r\nHost: localhost\r\nCookie: a=b\r\nConnection: close\r\n\r\n", {405}),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", {400, 421}),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", {0, 400}),
        (b"GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade, close\r\n\r\n", {200, 400, 426}),
        (b"GET /?" + b"a" * 300_000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n", {400, 414, 431}),
        (b"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + b"a" * 300_000 + b"\r\n\r\n", {400, 431}),
        (b"GET / HTTP/1.1\r\nHost: localhost\r\n" + b"X: 1\r\n" * 60_000 + b"\r\n", {400, 431}),
    ],
    ids=lambda value: "" if isinstance(value, set) else value[:40].decode("latin-1").split("\r")[0][:30],
)
def test_forged_and_broken_requests_are_refused(request_: bytes, expected: set[int], impatient: str) -> None:
    with raw(impatient, request_) as connection:
        received = answer(connection)
    assert status(received) in expected
    assert b"evil.example" not in received
    assert b"Traceback" not in received
    assert httpx.get(f"{impatient}answers.yml").status_code == 200


def test_a_body_is_not_read_into_memory(impatient: str) -> None:
    """A server that collects the body of a GET can be filled by one client."""
    with raw(impatient, head(impatient, "Content-Length: 1000000000")) as connection:
        received = b""
        try:
            for _ in range(2_000):
                connection.sendall(b"x" * 50_000)
        except OSError:
            pass
        else:
            pytest.fail("the server took 100 MB")
        connection.settimeout(5)
        try:
            received = connection.recv(100)
        except OSError:
            received = b""
    assert status(received) in {0, 413}


def test_a_forwarded_address_or_host_of_a_stranger_is_not_believed(plain_template: Template) -> None:
    poor = replace(GENEROUS, burst=3, points_per_second=0.001)
    with served(plain_template, poor) as url:
        codes = []
        for number in range(5):
            forged = {"X-Forwarded-For": f"203.0.113.{number}", "X-Forwarded-Host": "evil.example", "Forwarded": "for=203.0.113.9"}
            response = httpx.get(f"{url}answers.yml", headers=forged)
            codes.append(response.status_code)
            assert "evil.example" not in response.text
        assert codes == [200, 200, 200, 429, 429]
        assert int(response.headers["retry-after"]) > 1
        assert httpx.get(f"{url}static/app.css").status_code == 200, "files cost nothing"


@pytest.mark.slow
def test_renderings_at_the_same_time_are_bounded(plain_template: Template) -> None:
    """Twelve different projects at once: some are rendered, the others are asked to try later, and the page still answers."""
    with served(plain_template, replace(GENEROUS, deadline_seconds=60)) as url, ThreadPoolExecutor(13) as threads:

        def fetch(number: int) -> httpx.Response:
            return httpx.get(f"{url}project.zip?db_storage_gb={20 + number}", timeout=120)

        pending = [threads.submit(fetch, number) for number in range(12)]
        assert httpx.get(url, timeout=60).status_code == 200
        responses = [each.result() for each in pending]
        again = fetch(0)
    codes: Sequence[int] = [response.status_code for response in responses]
    assert set(codes) == {200, 503}
    assert 1 <= codes.count(200) <= 6
    assert all(response.headers["retry-after"] for response in responses if response.status_code == 503)
    assert again.status_code == 200
