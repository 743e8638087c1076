"""`sampan web`."""

import socket
import webbrowser
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import util
from typing import Annotated, Final

import typer

from sampan import comparing, console
from sampan.errors import UserError

NEEDED: Final = ("fastapi", "uvicorn")
LOOPBACK: Final = ("127.0.0.1", "::1", "localhost")


def command(
    *,
    host: Annotated[str, typer.Option(metavar="ADDRESS", help="IP address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, metavar="N", help="Port to listen on; 0 for a free port.")] = 8180,
    browser: Annotated[bool, typer.Option("--open/--no-open", help="Open the page in a browser.")] = True,
    public: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="Serve other machines under this host name; can be repeated.")
    ] = None,
    proxy: Annotated[
        list[str] | None,
        typer.Option(metavar="ADDRESS", help="Trust X-Forwarded-For from this reverse proxy or network; can be repeated."),
    ] = None,
    template: Annotated[str | None, typer.Option(metavar="URL", help="URL or path of the template's repository.")] = None,
    ref: Annotated[
        str | None, typer.Option(metavar="REF", help="Version of the template: a tag, branch or commit. Without it, the newest release.")
    ] = None,
) -> None:
    """Choose answers in a browser, compare cost, capacity and files, and download the project.

    The page is served to this machine only, needs no network, and stores nothing.
    """
    if missing := [name for name in NEEDED if util.find_spec(name) is None]:
        message = f"sampan web needs {' and '.join(missing)}: install the extra web, in a clone by pip install -e '.[web]'."
        raise UserError(message)
    if host not in LOOPBACK and not public:
        message = f"{host} can be reached from other machines: name the host that they use with --public NAME, or leave --host out."
        raise UserError(message)
    from sampan.web import serving  # noqa: PLC0415  # an extra, which may be missing

    with _listening(host, port) as listener, comparing.template_at(template, ref) as found:
        url = serving.url_of(listener)
        console.output().print(f"Sampan's page is at {url} (Ctrl-C ends it).", soft_wrap=True)
        serving.serve(found, listener, tuple(public or ()), tuple(proxy or ()), ready=lambda: browser and webbrowser.open(url))


@contextmanager
def _listening(host: str, port: int) -> Iterator[socket.socket]:
    """Give a socket that listens. Raises `UserError` when the port is taken or the address is not this machine's."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        listener = socket.socket(family, kind, protocol)
    except OSError as error:
        message = f"{host} is not an address of this machine: {error.strerror or error}."
        raise UserError(message) from None
    with listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(address)
            listener.listen(100)
        except OSError as error:
            message = f"Port {port} of {host} cannot be used ({error.strerror}): choose another with --port, or any free one with --port 0."
            raise UserError(message) from None
        yield listener
