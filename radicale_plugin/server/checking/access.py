"""Looks at who gets in, and who can read what must stay secret."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

from radicale_plugin.option_values import ENVIRONMENT_PREFIX, secret_of
from radicale_plugin.server.checking.finding import Finding, Installation, doubtful, wrong
from sync.database.engine import parse_url
from sync.errors import InvalidInput

#: Fewer letters than this can be guessed.
_LONG_ENOUGH = 32
_SECRETS = ("secret", "smtp_password", "sms_headers", "oidc_client_secret", "ldap_bind_password", "database_url")


def look(installation: Installation) -> Iterator[Finding]:
    """Yield what is doubtful or wrong."""
    if installation.values["sign_up"] == "open":
        yield doubtful("sign_up", "It is open: anybody who finds this server can make an account.")
    if os.geteuid() == 0:
        yield doubtful("user", "This runs as root, who need not be trusted with a server.")
    yield from _files(installation)
    yield from _key(installation)
    yield from _readable_secrets(installation)
    yield from _database(installation)


def _files(installation: Installation) -> Iterator[Finding]:
    for option in _SECRETS:
        file = installation.values[f"{option}_file"]
        try:
            secret_of(installation.values, option)
        except InvalidInput as error:
            yield wrong(f"{option}_file", str(error))
            continue
        if file and is_open(Path(file)):
            yield doubtful(f"{option}_file", f"Everybody on this machine can read {file}; chmod o-r takes that away.")


def _key(installation: Installation) -> Iterator[Finding]:
    try:
        key = secret_of(installation.values, "secret")
    except InvalidInput:
        return
    if not key:
        yield doubtful(
            "secret_file", "There is none, so whoever gets a copy of the database has the key of its passwords too."
        )
    elif len(key) < _LONG_ENOUGH:
        yield doubtful("secret", f"It has fewer than {_LONG_ENOUGH} letters; `openssl rand -hex 32` makes a good one.")


def _readable_secrets(installation: Installation) -> Iterator[Finding]:
    if installation.path is None or not is_open(Path(installation.path)):
        return
    for option in _SECRETS:
        value, elsewhere = installation.values[option], ENVIRONMENT_PREFIX + option.upper() in os.environ
        if value and not elsewhere and (option != "database_url" or _has_password(value)):
            yield doubtful(option, f"It is in {installation.path}, which everybody can read; use {option}_file.")


def _database(installation: Installation) -> Iterator[Finding]:
    try:
        written = secret_of(installation.values, "database_url")
        url = parse_url(written)
    except InvalidInput as error:
        if not installation.values["database_url_file"]:
            yield wrong("database_url", str(error))
        return
    if url.get_backend_name() != "sqlite":
        return
    if not written.startswith("sqlite:////"):
        yield doubtful("database_url", "Its path is relative: commands that run elsewhere use another database.")
    if is_open(Path(str(url.database))):
        yield doubtful(
            "database_url", f"Everybody on this machine can read {url.database}; chmod 0600 takes that away."
        )


def is_open(file: Path) -> bool:
    """Whether everybody on this machine can read a file: its own mode lets them, and those of the folders above."""
    try:
        modes = [file.stat().st_mode & stat.S_IROTH]
        modes += [above.stat().st_mode & stat.S_IXOTH for above in file.resolve().parents]
    except OSError:
        return False
    return all(modes)


def _has_password(written: str) -> bool:
    try:
        return bool(parse_url(written).password)
    except InvalidInput:
        return False
