"""The server of reports: what it gives, and that it gives nothing else."""

import http.client
from collections.abc import Iterator
from pathlib import Path

import pytest

from src.report.server import reports, serve


@pytest.fixture
def port(tmp_path: Path) -> Iterator[int]:
    for name in ("20260101-000000-aaaa", "<b>"):
        (tmp_path / "sweeps" / name).mkdir(parents=True)
        (tmp_path / "sweeps" / name / "report.html").write_text(f"report {name}")
    (tmp_path / "sweeps" / "20260101-000000-aaaa" / "study.db").write_text("secret")
    (tmp_path / "secret").write_text("secret")
    (tmp_path / "sweeps" / "link").mkdir()
    (tmp_path / "sweeps" / "link" / "report.html").symlink_to(tmp_path / "secret")
    server = serve(0, tmp_path / "sweeps")
    yield server.server_port
    server.shutdown()
    server.server_close()


def answer(port: int, path: str, host: str = "") -> tuple[int, str]:
    connection = http.client.HTTPConnection("127.0.0.1", port)
    connection.putrequest("GET", path, skip_host=True)
    connection.putheader("Host", host or f"127.0.0.1:{port}")
    connection.endheaders()
    response = connection.getresponse()
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    return response.status, response.read().decode()


def test_it_lists_the_reports_and_gives_them(port: int) -> None:
    status, index = answer(port, "/")
    assert status == 200 and '<a href="/20260101-000000-aaaa">' in index and "&lt;b&gt;" in index and "<b>" not in index
    assert answer(port, "/20260101-000000-aaaa?x") == (200, "report 20260101-000000-aaaa")


def test_it_gives_nothing_else_of_the_disk_and_nobody_else(port: int) -> None:
    for path in (
        "/20260101-000000-aaaa/study.db",
        "/../secret",
        "/%2e%2e/secret",
        "/link",
        "//etc/passwd",
        "/20260101-000000-aaaa/../../secret",
    ):
        status, text = answer(port, path)
        assert status == 404 and "secret" not in text, path
    assert answer(port, "/", "evil.example:80")[0] == 403
    assert answer(port, "/", f"localhost:{port}")[0] == 200


def test_without_a_sweep_there_are_none(tmp_path: Path) -> None:
    assert reports(tmp_path) == {}
