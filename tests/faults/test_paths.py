"""Paths in the place of names: of sweeps, of runs, and in the answers of a server; nothing is read or written by them."""

import json
import tempfile
import threading
from collections.abc import Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from mlflow.exceptions import MlflowException

from src.errors import ConfigError, TrialbookError
from src.study.finding import find_sweeps
from src.study.store import Store
from src.tracking.runs import Runs


class Server(BaseHTTPRequestHandler):
    """An MLflow server that answers with paths that leave the folder they are downloaded to."""

    places: tuple[str, ...] = ()

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        if path.endswith("/runs/get"):
            tags = [{"key": "trialbook.sha256.weights", "value": "x"}, {"key": "mlflow.parentRunId", "value": "../../x"}]
            info = {"run_id": "../../evil", "experiment_id": "1", "status": "FINISHED", "artifact_uri": "mlflow-artifacts:/x"}
            answer = json.dumps({"run": {"info": info, "data": {"tags": tags}}}).encode()
        elif path.endswith("/artifacts"):
            answer = json.dumps({"files": [{"path": place, "is_dir": False, "file_size": 4} for place in self.places]}).encode()
        else:
            answer = b"{}" if "/api/2.0/mlflow/" in path else b"evil"
        self.send_response(200)
        self.end_headers()
        self.wfile.write(answer)

    do_POST = do_GET

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Server) as running:
        threading.Thread(target=running.serve_forever, args=(0.01,), daemon=True).start()
        yield f"http://127.0.0.1:{running.server_port}"
        running.shutdown()


@pytest.mark.parametrize("place", ["../../outside/x", "ABSOLUTE/x", "..%2f..%2foutside%2fx", "a/../../../outside/x", "model.weights.h5"])
def test_a_server_writes_nothing_outside_of_the_temporary_folder(
    place: str, server: str, outside: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    name = place.replace("ABSOLUTE", str(outside))
    monkeypatch.setattr(Server, "places", (name, "model.weights.h5", "model.h5"))
    runs = Runs(server)
    with pytest.raises(TrialbookError, match="run=abc"):
        runs.read("abc")
    recorded = runs.recorded("abc")
    with suppress(MlflowException, OSError):  # what the verbs make of them is tested elsewhere
        recorded.file(name)
    assert not list((tmp_path / "temporary").iterdir())


@pytest.mark.parametrize("words", ["../outside", "..", "/etc", "S/../../outside", "S,../outside", "%2e%2e/outside"])
def test_a_sweep_is_found_by_its_name_and_never_by_a_path(words: str, tmp_path: Path) -> None:
    for place in ("sweeps/S", "outside"):
        (tmp_path / place).mkdir(parents=True)
        Store.create(tmp_path / place / "study.db", name=place).close()
    for key in ("sweep", "resume"):
        with pytest.raises(ConfigError, match="no such sweep"):
            find_sweeps(words, tmp_path / "sweeps", key=key)


@pytest.mark.parametrize("run_id", ["../../etc/passwd", "/etc/passwd", "x' or '1'='1", "..", "a\x00b"])
def test_a_run_is_found_by_its_id_and_never_by_a_path(run_id: str, kept: tuple[str, str, Path]) -> None:
    runs = Runs(kept[0])
    for read in (runs.read, runs.recorded):
        with pytest.raises(TrialbookError, match="run="):
            read(run_id)
