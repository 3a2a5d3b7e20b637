"""Serves the reports of sweeps, and no other file, to browsers on this machine."""

import html
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from src.report import REPORT
from src.study.finding import SWEEPS, read_meta

HEADERS = {
    "Content-Type": "text/html; charset=utf-8",
    "Content-Security-Policy": "frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}
INDEX = """<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark"><title>Trialbook: reports</title><h1>Reports of sweeps</h1><ul>{}</ul></html>"""


def reports(root: Path = SWEEPS) -> dict[str, Path]:
    """Returns name of a sweep's folder → its report, the newest first; leaves out reports that are links to other files."""
    found = {file.parent.name: file for file in root.glob(f"*/{REPORT}") if file.is_file() and not file.is_symlink()}
    return dict(sorted(found.items(), reverse=True))


def serve(port: int, root: Path = SWEEPS) -> ThreadingHTTPServer:
    """Serves on 127.0.0.1 in a thread, until `shutdown` is called on the returned server; port 0 means any free port."""

    class Handler(_Handler):
        folder = root

    server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


class _Handler(BaseHTTPRequestHandler):
    """`/` is the list of reports, `/NAME` a report; a path only looks up a name in that list."""

    folder: Path
    server_version, sys_version = "Trialbook", ""

    def do_GET(self) -> None:
        name = self.path.partition("?")[0].strip("/")
        if self.headers.get("Host", "").rpartition(":")[0] not in ("127.0.0.1", "localhost"):  # DNS rebinding by another page
            self._answer(403, b"this address is for browsers on this machine: open http://127.0.0.1")
        elif not name:
            self._answer(200, _index(self.folder))
        elif file := reports(self.folder).get(name):
            self._answer(200, file.read_bytes())
        else:
            self._answer(404, b"no such report")

    def _answer(self, code: int, content: bytes) -> None:
        self.send_response(code)
        for name, value in {**HEADERS, "Content-Length": str(len(content))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:
        """Prints nothing, so that the terminal of `make ui` shows only the two addresses."""


def _index(root: Path) -> bytes:
    items = []
    for name, file in reports(root).items():
        title = f"{name} {read_meta(file.parent).get('name', '')}".rstrip()
        items.append(f'<li><a href="/{html.escape(name)}">{html.escape(title)}</a></li>')
    return INDEX.format("".join(items) or "<li>none yet: python -m src.sweep -m … makes one</li>").encode()
