"""The schema of MLflow's database: one of an older version is copied before it is brought up, and never changed without a word."""

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
from src.tracking.address import advice, as_file

log = logging.getLogger(__name__)
SECONDS = 5  # in which a database server answers; MLflow itself would try for two minutes
DATABASES = ("postgresql", "mysql", "mssql")
LIMITED = ("postgresql", "postgresql+psycopg", "postgresql+psycopg2", "mysql+pymysql")  # drivers that take connect_timeout
COPY = ".schema-"  # name of a database + this + its schema's name: how it was before it was brought up


def upgrade(file: Path) -> None:
    """Brings a local database up to the schema of this MLflow, after a copy of it was made beside it.

    Raises:
        TrialbookError: a newer MLflow made it.
        sqlite3.Error: it is no database, or may not be written.
    """
    from mlflow.store.db import utils

    with closing(sqlite3.connect(f"{as_file(file)}?mode=rw", uri=True, timeout=20)) as database:
        if not database.execute("select 1 from sqlite_master where name = 'alembic_version'").fetchone():
            _refuse_foreign(file, database)
            return
        [[found]] = database.execute("select version_num from alembic_version").fetchall()
        if _is_current(found, str(file)):
            return
        copy = file.with_name(f"{file.name}{COPY}{found}")
        if not copy.exists():
            with files.room_for(copy, file.stat().st_size):
                _copy(database, copy)
    log.warning("%s has schema %s of an older MLflow; it is brought up to that of this one. The older one is kept: %s", file, found, copy)
    engine = create_engine(f"sqlite:///{file}", poolclass=NullPool)
    utils._upgrade_db(engine)


def probe(uri: str) -> None:
    """Connects once to a database server, so that one that does not answer is told at once, and looks at its schema.

    Raises:
        TrialbookError: it does not answer, or its schema is another one; others may be using it, so it is not changed from here.
    """
    if uri.partition("://")[0].partition("+")[0] not in DATABASES:
        return
    from alembic.migration import MigrationContext

    try:
        url = make_url(uri)
        limit = {"connect_timeout": SECONDS} if url.drivername in LIMITED and "connect_timeout" not in url.query else {}
        with create_engine(url, poolclass=NullPool, connect_args=limit).connect() as connection:
            found = MigrationContext.configure(connection).get_current_revision()
    except (ImportError, TypeError, SQLAlchemyError) as error:
        raise TrialbookError(f"tracking.uri={uri}: {first_words(error)}. {advice(uri)}") from error
    if found and not _is_current(found, uri):
        raise TrialbookError(
            f"tracking.uri={uri}: its schema is {found}, of an older MLflow, and others may be using it; expected that of this MLflow.\n"
            f"Make a backup, then: mlflow db upgrade {uri}"
        )


def _is_current(found: str, place: str) -> bool:
    from alembic.script import ScriptDirectory
    from mlflow.store.db import utils

    scripts = ScriptDirectory.from_config(utils._get_alembic_config(""))
    if found in scripts.get_heads():
        return True
    if found not in {script.revision for script in scripts.walk_revisions()}:
        raise TrialbookError(
            f"{place} has schema {found}, which this MLflow does not know; expected {', '.join(scripts.get_heads())}"
            " or an older one. Read it with the newer MLflow that made it."
        )
    return False


def _refuse_foreign(file: Path, database: sqlite3.Connection) -> None:
    """MLflow would add its tables to whatever database it is given."""
    tables = [name for (name,) in database.execute("select name from sqlite_master where type = 'table' order by name")]
    if tables:
        raise TrialbookError(f"{file} is a database of something else, with the table {tables[0]}; expected MLflow's, or a new file.")


def _copy(database: sqlite3.Connection, copy: Path) -> None:
    new = copy.with_name(f".{copy.name}{files.PART}")
    new.unlink(missing_ok=True)
    with closing(sqlite3.connect(new)) as target:
        database.backup(target)
    new.rename(copy)
