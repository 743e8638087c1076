"""The page of `sampan web`: over HTTP in process, and from a real server on the loopback interface."""

import asyncio
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import uvicorn
from starlette.testclient import TestClient

from sampan.source import Template
from sampan.web import serving
from sampan.web.app import create_app
from sampan.web.settings import LOOPBACK_HOSTS, Settings

GENEROUS = Settings(hosts=LOOPBACK_HOSTS, burst=1_000_000)
"""No limit of the rate: all tests are one client."""


@pytest.fixture(scope="session")
def plain_template(template: Path) -> Template:
    """The template as it stands, in a folder without git."""
    return Template(str(template), None, None, template)


@pytest.fixture(scope="session")
def client(plain_template: Template) -> Iterator[TestClient]:
    """A client of the application in process."""
    with TestClient(create_app(plain_template, GENEROUS), base_url="http://localhost", follow_redirects=False) as ready:
        yield ready


Serve = Callable[[Settings], str]


@contextmanager
def served(template: Template, settings: Settings) -> Iterator[str]:
    """Serve the page as `sampan web` does, on a free port. Return its URL."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = uvicorn.Server(serving.config_of(template, settings))
        thread = threading.Thread(target=lambda: asyncio.run(server.serve(sockets=[listener])))
        thread.start()
        try:
            while not server.started and thread.is_alive():
                thread.join(0.02)
            yield serving.url_of(listener)
        finally:
            server.should_exit = True
            thread.join(20)
