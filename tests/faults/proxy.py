"""A way to a server that can be made to fail."""

import socket
import threading
import time
from contextlib import suppress

FAILURES = ("refuse", "hang", "error", "cut")  # no connection; no answer; HTTP 500; the request arrives, its answer does not
ERROR = b"HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


class Proxy:
    """Passes connections on to a port of this machine, or fails as `mode` says."""

    def __init__(self, upstream: int) -> None:
        self._upstream, self._mode = upstream, "pass"
        self._listener = _listen(0)
        self.port = self._listener.getsockname()[1]
        self.address = f"http://127.0.0.1:{self.port}"
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def mode(self) -> str:
        return self._mode

    @mode.setter
    def mode(self, mode: str) -> None:
        was, self._mode = self._mode, mode
        if mode == "refuse" != was:
            self._listener.shutdown(socket.SHUT_RDWR)
            self._listener.close()
        if was == "refuse" != mode:
            self._listener = _listen(self.port)
            threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        listener = self._listener
        with suppress(OSError):  # it was closed
            while True:
                client, _ = listener.accept()
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        upstream = None
        with client, suppress(OSError):
            while chunk := client.recv(1 << 16):
                mode = self._mode
                while self._mode == "hang":
                    time.sleep(0.02)
                if mode == "error":
                    client.sendall(ERROR)
                if mode not in ("pass", "cut"):
                    break
                if not upstream:
                    upstream = socket.create_connection(("127.0.0.1", self._upstream))
                    threading.Thread(target=self._answer, args=(upstream, client), daemon=True).start()
                upstream.sendall(chunk)
        if upstream:
            upstream.close()

    def _answer(self, upstream: socket.socket, client: socket.socket) -> None:
        with suppress(OSError):
            while chunk := upstream.recv(1 << 16):
                if self._mode == "cut":
                    break
                client.sendall(chunk)
            client.shutdown(socket.SHUT_RDWR)


def _listen(port: int) -> socket.socket:
    return socket.create_server(("127.0.0.1", port), backlog=64)
