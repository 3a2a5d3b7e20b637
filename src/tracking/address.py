"""The meaning of a store's address, as `tracking.uri` or MLFLOW_TRACKING_URI gives it. Nothing is opened here."""

import os
from pathlib import Path
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

from src.redaction import SECRET

DEFAULT = "sqlite:///mlruns/mlflow.db"  # conf/config.yaml's
SERVERS = ("http", "https")


def database(uri: str) -> Path | None:
    """The file of a local store, as an absolute path; None for a server and for a store in memory."""
    scheme, _, rest = uri.partition("://")
    place = rest.partition("?")[0][1:]
    return Path(os.path.realpath(place)) if _kind(scheme) == "sqlite" and place not in ("", ":memory:") else None


def refusal(uri: str) -> str:
    """Why no record can be kept at an address; empty where it can."""
    scheme, _, rest = uri.partition("://")
    if _kind(scheme) == "sqlite" and not database(uri):
        return "a store in memory is gone when its process ends; expected sqlite:///PATH/mlflow.db"
    if _kind(scheme) == "sqlite" and rest.startswith("/file:"):
        return "SQLite's own file: addresses are not supported; expected sqlite:///PATH/mlflow.db"
    if "://" not in uri or scheme == "file":
        return "MLflow no longer writes to a folder; expected sqlite:///PATH/mlflow.db or http://HOST:PORT"
    return ""


def advice(uri: str) -> str:
    """What to look at when a store does not answer."""
    if file := database(uri):
        return f"Expected an MLflow database that can be read and written here: {file}"
    if urlsplit(uri).scheme in SERVERS:
        return "Expected a running MLflow server; leave it out for a local file."
    return "Expected a running database server, its driver installed, and an account that may write; leave it out for a local file."


def canonical(uri: str) -> str:
    """The address by what it means, without account and password: two addresses of one store are equal.

    >>> canonical("postgresql://me:tiger@Host/runs?sslmode=require") == canonical("postgresql://host/runs?sslmode=require")
    True
    """
    if file := database(uri):
        return f"sqlite:///{file}"
    parts = urlsplit(uri)
    query = urlencode([(key, value) for key, value in parse_qsl(parts.query) if key != "user" and not SECRET.search(key)])
    host = parts.netloc.rpartition("@")[2].lower()
    return f"{parts.scheme.lower()}://{host}{parts.path.rstrip('/')}{f'?{query}' if query else ''}"


def as_file(path: Path) -> str:
    """A path in an SQLite file: address."""
    return f"file:{quote(str(path))}"


def _kind(scheme: str) -> str:
    """The database of SQLAlchemy's `database+driver`."""
    return scheme.partition("+")[0]
