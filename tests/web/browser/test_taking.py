"""Downloads: the zip file that a browser downloads is a project that runs."""

import json
import os
import re
import socket
import subprocess
import time
import urllib.request
import zipfile
from pathlib import Path

import pytest
import yaml
from playwright.sync_api import expect

from tests.harness import required
from tests.web.browser.conftest import Open

pytestmark = pytest.mark.slow

ANSWERS = "/?profile=sandbox&project_name=Orders&languages=en,id"


def unpacked(open_page: Open, target: Path) -> Path:
    """Download the project as a person does and unpack it. Return its folder."""
    page = open_page(ANSWERS)
    with page.expect_download(timeout=120_000) as download:
        page.locator("a[href^='/project.zip']:visible").first.click()
    assert download.value.suggested_filename == "orders.zip"
    archive = target / "orders.zip"
    download.value.save_as(archive)
    with zipfile.ZipFile(archive) as opened:
        assert {name.split("/")[0] for name in opened.namelist()} == {"orders"}
    subprocess.run([required("unzip"), "-q", str(archive), "-d", str(target)], check=True)
    return target / "orders"


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
    return port


def test_the_zip_is_unpacked_and_the_project_serves(open_page: Open, tmp_path: Path) -> None:
    project = unpacked(open_page, tmp_path)
    stored = yaml.safe_load((project / ".copier-answers.yml").read_text(encoding="utf-8"))
    assert stored["profile"] == "sandbox"
    assert stored["languages"] == ["en", "id"]
    assert os.access(next(path for path in project.rglob("*.sh")), os.X_OK), "the mode of a script survives"

    port = free_port()
    environment = {name: value for name, value in os.environ.items() if name not in {"VIRTUAL_ENV", "PYTHONPATH"}}
    command = [required("uv"), "run", "app", "dev", "--port", str(port)]
    with (tmp_path / "log").open("w") as log:
        running = subprocess.Popen(command, cwd=project, stdout=log, stderr=subprocess.STDOUT, env=environment)
    try:
        deadline = time.monotonic() + 600
        answer = None
        while answer is None:
            assert running.poll() is None, (tmp_path / "log").read_text()
            assert time.monotonic() < deadline, (tmp_path / "log").read_text()
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/api/health/", timeout=5) as response:
                    answer = response.status, json.load(response)
            except OSError:
                time.sleep(0.5)
    finally:
        running.terminate()
        running.wait(60)
    assert answer[0] == 200, answer


def test_the_answers_file_and_the_commands_are_taken_away(open_page: Open, tmp_path: Path) -> None:
    page = open_page(ANSWERS)
    with page.expect_download() as download:
        page.locator("a[href^='/answers.yml']").click()
    download.value.save_as(tmp_path / "answers.yml")
    assert yaml.safe_load((tmp_path / "answers.yml").read_text()) == {
        "profile": "sandbox",
        "project_name": "Orders",
        "languages": ["en", "id"],
    }
    expect(page.locator("#command")).to_contain_text(
        re.compile(r"^copier copy --defaults .*-d profile=sandbox .*-d 'languages=\[en, id\]'")
    )


def test_a_command_is_copied_with_the_keyboard(open_page: Open) -> None:
    page = open_page(ANSWERS, permissions=["clipboard-read", "clipboard-write"])
    button = page.locator("[data-copy=link]")
    button.focus()
    page.keyboard.press("Enter")
    expect(page.locator("#status")).to_have_text("Copied.")
    expect(button).to_have_class(re.compile("is-done"))
    expect(button).not_to_have_class(re.compile("is-done"))
    assert page.evaluate("navigator.clipboard.readText()") == page.locator("#link").inner_text() == page.url
