"""The API or the worker as a child process, which always ends together with `app dev`.

`python -m app.dev.child api <descriptor of a listening socket>`, or `python -m app.dev.child worker`.
"""

import os
import signal
import socket
import sys
import threading


def main() -> None:
    """Run until stopped, or until the pipe from the parent closes."""
    threading.Thread(target=_await_parent, daemon=True).start()
    # Import after the watch has started: on a busy machine this takes seconds, and the parent may die meanwhile.
    if sys.argv[1] == "api":
        from app.server import run_api

        run_api(listener=socket.socket(fileno=int(sys.argv[2])), drain=0)
    else:
        from app.worker import run_worker

        run_worker("127.0.0.1")


def _await_parent() -> None:
    # The parent never writes, so `read` returns only when the parent's end closes. A killed parent closes it as well.
    os.read(sys.stdin.fileno(), 1)
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    main()
