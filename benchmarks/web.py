"""Measure the page of `sampan web`: weight, requests, time to answer, and growth of memory.

A real Chromium visits the page of a real server, a process of its own; then a client sends 1,000 varied requests. Times vary from machine
to machine; bytes and requests do not. Nothing is asserted.

    .venv/bin/python benchmarks/web.py
"""

import argparse
import os
import random
import re
import statistics
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

from playwright.sync_api import Browser, Response, sync_playwright

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "extensions")]

from sampan.web import links  # noqa: E402  # the repository's root has to be found first
from tests.web.browser.conftest import FLAGS, chromium  # noqa: E402  # as above

SERVER = """
import socket
from dataclasses import replace
from sampan import root
from sampan.source import Template
from sampan.web import serving
from sampan.web.settings import Settings
import uvicorn
with socket.create_server(("127.0.0.1", 0)) as listener:
    print(serving.url_of(listener), flush=True)
    settings = replace(Settings(), burst=10**9)
    uvicorn.Server(serving.config_of(Template(str(root.root()), None, None, root.root()), settings)).run(sockets=[listener])
"""


TIMING = """
new Promise((done) => {
  const [visit] = performance.getEntriesByType("navigation");
  const paint = performance.getEntriesByName("first-contentful-paint")[0]?.startTime ?? 0;
  let shift = 0;
  const observer = new PerformanceObserver((list) => { for (const each of list.getEntries()) shift += each.value; });
  observer.observe({ type: "layout-shift", buffered: true });
  setTimeout(() => done([visit.responseStart, visit.domContentLoadedEventEnd, paint, shift]), 300);
})
"""


def usage(process: int) -> tuple[float, float]:
    """CPU seconds of a process, and its resident memory in MB."""
    fields = Path(f"/proc/{process}/stat").read_text(encoding="utf-8").rpartition(") ")[2].split()
    resident = re.search(r"VmRSS:\s+(\d+)", Path(f"/proc/{process}/status").read_text(encoding="utf-8"))
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK"), int(resident[1]) / 1024 if resident else 0.0


def get(url: str) -> int:
    """Status of a request; the body is read."""
    try:
        with urllib.request.urlopen(url, timeout=60) as response:  # noqa: S310  # this machine's own server
            response.read()
            return int(response.status)
    except urllib.error.HTTPError as refused:
        return refused.code


def visit(browser: Browser, url: str) -> None:
    """Print what a first visit and a change weigh, and their time to answer."""
    page = browser.new_page()
    seen: list[Response] = []
    page.on("response", lambda response: seen.append(response))  # noqa: PLW0108  # Playwright sets an attribute of its handlers
    started = time.perf_counter()
    page.goto(url, wait_until="networkidle")
    sizes = [response.request.sizes() for response in seen]
    wire = sum(size["responseBodySize"] + size["responseHeadersSize"] for size in sizes)
    whole = sum(len(response.body()) for response in seen)
    first, ready, paint, shift = page.evaluate(TIMING)
    idle = time.perf_counter() - started
    print(f"first visit        {len(seen)} requests, {wire / 1000:.0f} kB on the wire, {whole / 1000:.0f} kB unpacked")
    print(f"                   first byte {first:.0f} ms, first paint {paint:.0f} ms, ready {ready:.0f} ms, idle {1000 * idle:.0f} ms")
    print(f"                   layout shift {shift:.3f}")
    changes: list[float] = []
    for number in range(12):
        seen.clear()
        started = time.perf_counter()
        page.locator("#profile-sandbox, #profile-startup").nth(number % 2).check()
        page.locator("body:not(.is-waiting)").wait_for()
        page.wait_for_url(re.compile("sandbox$" if number % 2 == 0 else r"/$"))
        changes.append(1000 * (time.perf_counter() - started))
    print(f"a change           {len(seen)} requests, median {statistics.median(changes):.0f} ms from click to page")
    page.close()


def paths(count: int, seed: int) -> list[str]:
    """Varied requests: answers, wrong ones, files, comparisons and a few zip files."""
    chance = random.Random(seed)  # noqa: S311  # the same requests each time
    made = []
    for number in range(count):
        answers = {
            "profile": chance.choice(["sandbox", "startup", "production", "regulated"]),
            "domain": chance.choice(["api.example.com", "", "not a host"]),
            "db_storage_gb": str(chance.randint(0, 20_000)),
            "project_name": "".join(chance.choices("abc <&{", k=chance.randint(1, 80))),
            "waf": chance.choice(["true", "false"]),
            "cache_replicas": str(chance.randint(0, 6)),
        }
        query = links.query(answers)
        valid = f"db_storage_gb={20 + number}"
        kind = chance.choices(["page", "files", "compare", "zip", "file", "nothing", "answers"], [55, 2, 2, 1, 2, 19, 19])[0]
        made.append(
            {
                "page": f"?{query}",
                "files": f"files?{valid}",
                "compare": f"compare?a=profile%3Dsandbox&b={links.query({'x': query})[2:]}",
                "zip": f"project.zip?{valid}",
                "file": f"file?{valid}&path=README.md",
                "nothing": f"nothing/{number}",
                "answers": f"answers.yml?db_storage_gb={20 + number % 30}",
            }[kind]
        )
    return made


def grow(url: str, process: int, count: int) -> None:
    """Print memory and CPU over many varied requests."""
    codes: dict[int, int] = {}
    before, memory = usage(process)
    print(f"memory             {memory:.0f} MB at the start")
    for number, path in enumerate(paths(count, 17), 1):
        code = get(url + path)
        codes[code] = codes.get(code, 0) + 1
        if number % (count // 4) == 0:
            after, memory = usage(process)
            each = 1000 * (after - before) / number
            print(f"                   {memory:.0f} MB after {number:,} varied requests, {each:.0f} ms of CPU each")
    print(f"                   status: {', '.join(f'{code} {times:,} times' for code, times in sorted(codes.items()))}")


def uncached(url: str, process: int) -> None:
    """Print the server's time for answers that it has not seen, for a page and for the files."""
    for name, path, count in (("new answers", "?monthly_budget_usd={}", 20), ("a new project", "files?monthly_budget_usd={}", 6)):
        times, (before, _) = [], usage(process)
        for number in range(count):
            started = time.perf_counter()
            get(url + path.format(number + 1_000 + 100 * len(path)))
            times.append(1000 * (time.perf_counter() - started))
        cpu = 1000 * (usage(process)[0] - before) / count
        print(f"{name:<18} median {statistics.median(times):.0f} ms, {cpu:.0f} ms of it CPU")


def main() -> None:
    """Start a server, measure, and stop it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--requests", type=int, default=1_000, help="varied requests")
    count = parser.parse_args().requests
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "extensions")}
    with subprocess.Popen([sys.executable, "-c", SERVER], stdout=subprocess.PIPE, text=True, env=environment) as server:
        try:
            url = server.stdout.readline().strip() if server.stdout else ""
            get(url)
            uncached(url, server.pid)
            with sync_playwright() as playwright:
                browser = playwright.chromium.launch(executable_path=chromium(playwright), args=FLAGS)
                visit(browser, url)
                browser.close()
            grow(url, server.pid, count)
        finally:
            server.terminate()


if __name__ == "__main__":
    main()
