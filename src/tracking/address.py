"""Interprets the address of a store, from `tracking.uri` or MLFLOW_TRACKING_URI. Opens nothing."""

import os
from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit

from src.redaction import SECRET

DEFAULT = "sqlite:///mlruns/mlflow.db"  # as in conf/config.yaml
SERVERS = ("http", "https")


def database(uri: str) -> Path | None:
    """Returns the absolute path of a local store's database; None for a server or a store in memory."""
    path = uri.partition("://")[2].partition("?")[0][1:]
    if dialect(uri) != "sqlite" or path in ("", ":memory:"):
        return None
    return Path(os.path.realpath(path))


def refusal(uri: str) -> str:
    """Returns why no record can be kept at an address; empty if it can."""
    scheme, _, rest = uri.partition("://")
    if dialect(uri) == "sqlite" and not database(uri):
        return "a store in memory is gone when its process ends; expected sqlite:///PATH/mlflow.db"
    if dialect(uri) == "sqlite" and rest.startswith("/file:"):
        return "SQLite's own file: addresses are not supported; expected sqlite:///PATH/mlflow.db"
    if "://" not in uri or scheme == "file":
        return "MLflow no longer writes to a folder; expected sqlite:///PATH/mlflow.db or http://HOST:PORT"
    return ""


def advice(uri: str) -> str:
    """Returns a hint on what to check when a store does not answer."""
    if file := database(uri):
        return f"Expected an MLflow database that can be read and written here: {file}"
    if urlsplit(uri).scheme in SERVERS:
        return "Expected a running MLflow server; leave it out for a local file."
    return "Expected a running database server, its driver installed, and an account that may write; leave it out for a local file."


def canonical(uri: str) -> str:
    """Returns an address in its normal form without account and password, so that two addresses of one store are equal.

    >>> canonical("postgresql://me:tiger@Host/runs?sslmode=require") == canonical("postgresql://host/runs?sslmode=require")
    True
    """
    if file := database(uri):
        return f"sqlite:///{file}"
    parts = urlsplit(uri)
    options = [(key, value) for key, value in parse_qsl(parts.query) if key != "user" and not SECRET.search(key)]
    query = f"?{urlencode(options)}" if options else ""
    host = parts.netloc.rpartition("@")[2].lower()
    return f"{parts.scheme.lower()}://{host}{parts.path.rstrip('/')}{query}"


def local_path(address: str) -> Path | None:
    """Returns the path in a `file:` address of artifacts; None for an address of another kind."""
    parts = urlsplit(address)
    return Path(unquote(parts.path)) if parts.scheme == "file" else None


def dialect(uri: str) -> str:
    """Returns the database of an address, without the driver in SQLAlchemy's `database+driver://…`."""
    return uri.partition("://")[0].partition("+")[0]
