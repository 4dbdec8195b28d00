"""Who may ask what is below ``/.scim/``, which is decided before anything of a request but its head is read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from radicale_plugin.dav.responses import Response
from sync.database.engine import Database
from sync.ends.watch import Watch
from sync.errors import EndsDue
from sync.scim import tokens

if TYPE_CHECKING:
    from radicale_plugin.server.scim import Scim

ROOT = "/.scim/v2"
_REFUSED = Response(
    401,
    [("WWW-Authenticate", 'Bearer realm="Evercard"'), ("Content-Type", "application/scim+json")],
    b'{"schemas": ["urn:ietf:params:scim:api:messages:2.0:Error"], "status": "401", "detail": "No such token."}',
)


class Door:
    """Lets organisations in by their tokens, for one process."""

    def __init__(self, database: Database) -> None:
        """Prepare for *database*; nobody is let in where its settings do not say so."""
        self._database = database
        self._scim: Scim | None = None
        self._watch = Watch(database)

    def is_for(self, environ: Mapping[str, Any]) -> bool:
        """Whether a request is for what is here."""
        return self._database.settings.scim.is_open and is_below(environ["PATH_INFO"])

    def refuse(self, environ: Mapping[str, Any]) -> Response | None:
        """Return what says that there is no token that works, where there is none."""
        scheme, _, token = environ.get("HTTP_AUTHORIZATION", "").partition(" ")
        if scheme.lower() != "bearer" or not token.strip():
            return _REFUSED
        with self._database.reading() as session:
            found = tokens.find(session, token.strip())
            noted = found is None or tokens.is_noted(found)
            digest = found.digest if found is not None else ""
        if not noted:
            self._database.write(lambda session: tokens.note_use(session, digest))
        return None if digest else _REFUSED

    def answer(self, environ: Mapping[str, Any]) -> Response:
        """Answer a request that is not refused."""
        if self._scim is None:
            # It takes a while to load, and most servers never need it.
            from radicale_plugin.server.scim import Scim

            self._scim = Scim(self._database, f"{self._database.settings.base_url}{ROOT}")
        path, body = environ["PATH_INFO"].removeprefix(ROOT) or "/", environ["wsgi.input"].read()
        try:
            return self._scim.answer(environ, path, body)
        except EndsDue as error:
            self._watch.carry_out(error.owner_ids)
            return self._scim.answer(environ, path, body)


def is_below(path: str) -> bool:
    """Whether a path is of what organisations ask."""
    return path == ROOT or path.startswith(f"{ROOT}/")
