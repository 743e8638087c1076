#!/usr/bin/env python3
"""Takes mails on 1025 and shows them on 8025, as far as compose.yaml and its test need Mailpit: `/mailpit`, `/mailpit readyz`."""

import asyncio
import email
import json
import sys
import urllib.request
from email.policy import default

messages: list[dict[str, str]] = []


async def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """One SMTP session."""
    writer.write(b"220 standin\r\n")
    while line := await reader.readline():
        verb = line.split(maxsplit=1)[0].upper() if line.strip() else b""
        if verb == b"DATA":
            writer.write(b"354 go on\r\n")
            keep((await reader.readuntil(b"\r\n.\r\n"))[:-5])
        writer.write(b"221 bye\r\n" if verb == b"QUIT" else b"250 fine\r\n")
        await writer.drain()
        if verb == b"QUIT":
            break
    writer.close()


def keep(content: bytes) -> None:
    """Record the recipient and subject of a message."""
    mail = email.message_from_bytes(content, policy=default)
    messages.append({"To": str(mail["to"]), "Subject": str(mail["subject"])})


async def show(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """One HTTP request, whatever it asks for."""
    await reader.readuntil(b"\r\n\r\n")
    body = json.dumps({"messages": messages}).encode()
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
    await writer.drain()
    writer.close()


async def main() -> None:
    """Serve until killed."""
    mails = await asyncio.start_server(take, "0.0.0.0", 1025, limit=2**24)  # noqa: S104  # the container's own address
    pages = await asyncio.start_server(show, "0.0.0.0", 8025)  # noqa: S104  # the container's own address
    await asyncio.gather(mails.serve_forever(), pages.serve_forever())


if __name__ == "__main__":
    if sys.argv[1:] == ["readyz"]:
        urllib.request.urlopen("http://127.0.0.1:8025/", timeout=2).read()
    else:
        asyncio.run(main())
