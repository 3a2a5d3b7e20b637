"""The schema of MLflow's database. A local database with an older one is copied, then upgraded with a warning; a server's is left alone."""

import logging
import sqlite3
from contextlib import closing
from pathlib import Path

from sqlalchemy import create_engine
from sqlalchemy.engine import make_url
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import NullPool

from src import files
from src.errors import TrialbookError, first_words
from src.tracking.address import advice, dialect
from src.tracking.local import open_database

log = logging.getLogger(__name__)
SECONDS = 5  # until a database server must answer; MLflow itself would try for two minutes
DATABASES = ("postgresql", "mysql", "mssql")
LIMITED = ("postgresql", "postgresql+psycopg", "postgresql+psycopg2", "mysql+pymysql")  # drivers that take connect_timeout
COPY = ".schema-"  # the copy before an upgrade: name of the database + this + its schema


def upgrade(file: Path) -> None:
    """Upgrades a local database to the schema of this MLflow, and first copies it to a file beside it.

    Raises:
        TrialbookError: a newer MLflow or another program made it.
        sqlite3.Error: it is no database, or may not be written.
    """
    from mlflow.store.db import utils

    with closing(open_database(file)) as database:
        if not database.execute("select 1 from sqlite_master where name = 'alembic_version'").fetchone():
            _refuse_foreign(file, database)
            return
        [[revision]] = database.execute("select version_num from alembic_version").fetchall()
        if _is_current(revision, str(file)):
            return
        copy = file.with_name(f"{file.name}{COPY}{revision}")
        if not copy.exists():
            with files.room_for(copy, file.stat().st_size):
                _copy(database, copy)
    log.warning(
        "%s has schema %s of an older MLflow; it is brought up to that of this one. The older one is kept: %s", file, revision, copy
    )
    engine = create_engine(f"sqlite:///{file}", poolclass=NullPool)
    utils._upgrade_db(engine)


def probe(uri: str) -> None:
    """Connects once to a database server and checks its schema, so that an error is reported at once.

    Raises:
        TrialbookError: the server does not answer, or has another schema, which is not changed because others may be using it.
    """
    if dialect(uri) not in DATABASES:
        return
    from alembic.migration import MigrationContext

    try:
        url = make_url(uri)
        options = {}
        if url.drivername in LIMITED and "connect_timeout" not in url.query:
            options["connect_timeout"] = SECONDS
        with create_engine(url, poolclass=NullPool, connect_args=options).connect() as connection:
            revision = MigrationContext.configure(connection).get_current_revision()
    except (ImportError, TypeError, SQLAlchemyError) as error:
        raise TrialbookError(f"tracking.uri={uri}: {first_words(error)}. {advice(uri)}") from error
    if revision and not _is_current(revision, uri):
        raise TrialbookError(
            f"tracking.uri={uri}: its schema is {revision}, of an older MLflow, and others may be using it; expected that of this MLflow.\n"
            f"Make a backup, then: mlflow db upgrade {uri}"
        )


def _is_current(revision: str, place: str) -> bool:
    """Returns True for the newest schema of this MLflow, False for an older one.

    Raises:
        TrialbookError: this MLflow does not know the schema.
    """
    from alembic.script import ScriptDirectory
    from mlflow.store.db import utils

    scripts = ScriptDirectory.from_config(utils._get_alembic_config(""))
    if revision in scripts.get_heads():
        return True
    if revision not in {script.revision for script in scripts.walk_revisions()}:
        raise TrialbookError(
            f"{place} has schema {revision}, which this MLflow does not know; expected {', '.join(scripts.get_heads())}"
            " or an older one. Read it with the newer MLflow that made it."
        )
    return False


def _refuse_foreign(file: Path, database: sqlite3.Connection) -> None:
    """Raises a TrialbookError if another program made the database, because MLflow would add its tables to it."""
    tables = [name for (name,) in database.execute("select name from sqlite_master where type = 'table' order by name")]
    if tables:
        raise TrialbookError(f"{file} is a database of something else, with the table {tables[0]}; expected MLflow's, or a new file.")


def _copy(database: sqlite3.Connection, copy: Path) -> None:
    new = copy.with_name(f".{copy.name}{files.PART}")
    new.unlink(missing_ok=True)
    with closing(sqlite3.connect(new)) as target:
        database.backup(target)
    new.rename(copy)
