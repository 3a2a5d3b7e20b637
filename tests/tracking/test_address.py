"""What an address of a store means."""

from pathlib import Path

import pytest

from src.tracking.address import advice, canonical, database, refusal


@pytest.mark.parametrize(
    ("uri", "file"),
    [
        ("sqlite:///mlruns/team.db", "HERE/mlruns/team.db"),
        ("sqlite:///./mlruns/../team.db?timeout=30", "HERE/team.db"),
        ("sqlite:////srv/a b=c/runs.sqlite", "/srv/a b=c/runs.sqlite"),
        ("sqlite+pysqlite:////srv/runs.db?timeout=5", "/srv/runs.db"),
        ("sqlite://", None),
        ("sqlite:///:memory:", None),
        ("http://host:5000", None),
        ("postgresql://me@host/runs", None),
    ],
)
def test_the_file_is_the_one_that_the_address_names(uri: str, file: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert database(uri) == (Path(file.replace("HERE", str(tmp_path.resolve()))) if file else None)


@pytest.mark.parametrize(
    ("uri", "why"),
    [
        ("sqlite://", "in memory"),
        ("sqlite:///:memory:", "in memory"),
        ("sqlite:///?timeout=3", "in memory"),
        ("sqlite:///file:a.db?mode=ro&uri=true", "file: addresses"),
        ("mlruns", "no longer writes to a folder"),
        ("file:///tmp/mlruns", "no longer writes to a folder"),
    ],
)
def test_what_can_keep_no_record_is_refused_by_name(uri: str, why: str) -> None:
    assert why in refusal(uri)


def test_two_addresses_of_one_store_are_equal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert canonical("sqlite:///mlruns/mlflow.db") == canonical(f"sqlite:///{tmp_path}/mlruns/mlflow.db?timeout=60")
    assert canonical("http://me:tiger@Host:5000/") == canonical("http://host:5000") == "http://host:5000"
    assert canonical("http://host:5000") != canonical("http://host:5001")
    assert canonical("postgresql://me:tiger@/runs?host=/socket&password=x") == "postgresql:///runs?host=%2Fsocket"
    assert "tiger" not in canonical("postgresql+psycopg://me:tiger@host/runs")


def test_the_advice_is_for_the_kind_of_store() -> None:
    assert "server" not in advice("sqlite:///mlruns/mlflow.db") and "mlruns/mlflow.db" in advice("sqlite:///mlruns/mlflow.db")
    assert "running MLflow server" in advice("http://host:5000") and "database server" in advice("postgresql://host/runs")
