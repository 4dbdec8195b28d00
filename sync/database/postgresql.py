"""PostgreSQL's own programs, which copy a database and put it back."""

from __future__ import annotations

import asyncio
import os
import shutil
import time
from pathlib import Path

from sqlalchemy import URL, create_engine, text

from sync.errors import DatabaseUnavailable, InvalidInput

#: Seconds that a connection may take to end once its program has.
_GOING = 5.0
#: Everything of the database's is dropped in the transaction that puts back what it was.
_CLEAR = """
DO $$ DECLARE name text; BEGIN
    FOR name IN SELECT tablename FROM pg_tables WHERE schemaname = current_schema() LOOP
        EXECUTE format('DROP TABLE %I CASCADE', name);
    END LOOP;
END $$;
"""


def dump(url: URL, file: Path) -> None:
    """
    Write an archive of the database at *url*.

    Raises:
        DatabaseUnavailable: PostgreSQL refused, for the reason that the error has.
        InvalidInput: ``pg_dump`` is not installed here.
    """
    _run("pg_dump", url, "--format=custom", "--no-owner", "--no-privileges", f"--file={file}")


def restore(url: URL, file: Path) -> None:
    """
    Replace the database at *url* by what is in an archive, in one transaction.

    Raises:
        DatabaseUnavailable: PostgreSQL refused, for the reason that the error has.
        InvalidInput: ``pg_restore`` or ``psql`` is not installed here.
    """
    script = file.with_suffix(".sql")
    _run("pg_restore", None, "--no-owner", "--no-privileges", f"--file={script}", str(file))
    # The archive's script looks for everything by its full name, and leaves it so.
    clearing = file.with_suffix(".clear.sql")
    clearing.write_text(_CLEAR, encoding="utf-8")
    options = ("--no-psqlrc", "--quiet", "--single-transaction", "--set=ON_ERROR_STOP=1", "--output=/dev/null")
    _run("psql", url, *options, f"--file={clearing}", f"--file={script}")


def is_used(url: URL) -> bool:
    """
    Whether anybody else is connected to the database, and stays so for some seconds.

    Raises:
        DatabaseUnavailable: It cannot be reached.
    """
    engine = create_engine(url, isolation_level="AUTOCOMMIT")
    # PostgreSQL's own workers are in the list as well, what machines of a cluster ask each other, and for a while
    # whoever was killed.
    others = text(
        "SELECT 1 FROM pg_stat_activity"
        " WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
        " AND application_name NOT LIKE 'citus%'"
    )
    deadline = time.monotonic() + _GOING
    try:
        with engine.connect() as connection:
            while connection.execute(others).first() is not None:
                if time.monotonic() > deadline:
                    return True
                time.sleep(0.1)
            return False
    finally:
        engine.dispose()


def _run(program: str, url: URL | None, *arguments: str) -> None:
    found = shutil.which(program)
    if found is None:
        raise InvalidInput(f"{program} is not installed here; install PostgreSQL's client programs, which have it.")
    environment = dict(os.environ)
    if url is not None:
        # What is in the arguments can be read by everybody on this machine.
        environment["PGPASSWORD"] = str(url.password or environment.get("PGPASSWORD", ""))
        arguments = (f"--dbname={_without_password(url)}", *arguments)
    code, said = asyncio.run(_ended(found, arguments, environment))
    if code != 0:
        raise DatabaseUnavailable(f"{program}: {' '.join(said.split())}")


def _without_password(url: URL) -> str:
    from psycopg.conninfo import make_conninfo

    options = {"host": url.host, "port": url.port, "user": url.username, "dbname": url.database, **url.query}
    return make_conninfo("", **{name: str(value) for name, value in options.items() if value is not None})


async def _ended(program: str, arguments: tuple[str, ...], environment: dict[str, str]) -> tuple[int, str]:
    pipe, nothing = asyncio.subprocess.PIPE, asyncio.subprocess.DEVNULL
    process = await asyncio.create_subprocess_exec(
        program, *arguments, stdin=nothing, stdout=nothing, stderr=pipe, env=environment
    )
    _, said = await process.communicate()
    return process.returncode or 0, said.decode(errors="replace")
