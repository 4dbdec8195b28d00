"""
Radicale's web plugin: the portal under ``/.web/``, where people look after their card and find each other.

It is a Flask application that gets its requests from Radicale's hands. To add a page:

1. Write ``pages/<area>.py`` with a `flask.Blueprint` called ``blueprint``; each module there is registered by itself.
   The view of an area's main page is called ``index``: its endpoint is ``<area>.index`` (`menu` lists them).
2. A view calls functions of `sync` and holds no rule: ``database().write(lambda session: …)`` or ``with
   database().reading() as session``, for ``current_person().account_id``. `attempt` tells what the engine refuses.
3. It returns ``page("<area>/<name>.html", …)`` with a template in ``templates/<area>/`` that extends ``base.html`` and
   is built from the parts in ``macros/ui.html``, or after a POST ``go("<area>.index")``. Forms derive from `forms.Form`
   and are shown with ``macros/forms.html``; any other form says ``{{ csrf() }}``. Everything works without JavaScript;
   ``hx-get`` and ``hx-post`` may make it nicer.
4. Every page is for people who are signed in, unless its view says ``@open_to_all``. One that takes files says
   ``@takes_files``. No view answers 401 or 403 (Radicale would delay it). Secrets go into the query, never the path,
   because Radicale logs paths.
5. Texts are English in ``_("…")`` (in templates and, by `language.gettext`, in code; `language.lazy` where none asks
   yet). Their Chinese goes to ``translations/zh_Hans/<area>.po``; a test names what is missing.
6. A page that has parameters gets a line in ``tests/portal/walk.py``, where every page is visited in both languages.
"""

from __future__ import annotations

import io
from http import HTTPStatus
from typing import Any, cast

from radicale import config, httputils, types
from radicale.web import BaseWeb
from typing_extensions import override

from radicale_plugin import settings
from radicale_plugin.server.request_bodies import Rejected, read_body
from radicale_plugin.server.wsgi import client_address
from radicale_plugin.web import application
from radicale_plugin.web.base_url import Place
from radicale_plugin.web.portal import MAX_UPLOAD

ROOT = "/.web"
STATIC = f"{ROOT}/static/"
#: What a WSGI server says about a request, as far as the portal may hear it.
_HEARD = ("REQUEST_METHOD", "QUERY_STRING", "CONTENT_TYPE", "SERVER_PROTOCOL")
_HEARD_HEADERS = (
    *("HTTP_ACCEPT", "HTTP_ACCEPT_LANGUAGE", "HTTP_COOKIE", "HTTP_IF_NONE_MATCH", "HTTP_IF_MODIFIED_SINCE"),
    *("HTTP_ORIGIN", "HTTP_REFERER", "HTTP_SEC_FETCH_SITE", "HTTP_USER_AGENT"),
    *("HTTP_X_CSRFTOKEN", "HTTP_HX_REQUEST", "HTTP_HX_TARGET", "HTTP_HX_TRIGGER", "HTTP_HX_CURRENT_URL"),
)


class Web(BaseWeb):
    """Hands requests over to the portal. Who is signed in to Radicale means nothing there (security rule R8)."""

    def __init__(self, configuration: config.Configuration) -> None:
        """Prepare for *configuration*; the database must have been migrated."""
        super().__init__(configuration)
        database = settings.database(configuration)
        self.place = Place.of(configuration, database.settings.base_url)
        self._proxies = settings.trusted_proxies(configuration)
        self.portal = application.create(database, self.place, configuration)

    @override
    def get(
        self,
        environ: types.WSGIEnviron,
        base_prefix: str,
        path: str,
        user: str,
        user_groups: set[str],
        request_info: Any,
    ) -> types.WSGIResponse:
        return self._hand_over(environ, path)

    @override
    def post(
        self,
        environ: types.WSGIEnviron,
        base_prefix: str,
        path: str,
        user: str,
        user_groups: set[str],
        request_info: Any,
    ) -> types.WSGIResponse:
        return self._hand_over(environ, path)

    def _hand_over(self, environ: types.WSGIEnviron, path: str) -> types.WSGIResponse:
        if not path.startswith(STATIC) and not _may_be_compressed(environ):
            cast("dict[str, Any]", environ).pop("HTTP_ACCEPT_ENCODING", None)
        if path == ROOT:
            return httputils.redirect(f"{self.place.prefix}{ROOT}/")
        try:
            return self._call(self._environ(environ, path))
        except Rejected as rejected:
            headers = {"Content-Type": "text/plain; charset=utf-8", "Cache-Control": "no-store"}
            headers["X-Content-Type-Options"] = "nosniff"
            return rejected.status, headers, f"{rejected.message}\n".encode(), None

    def _environ(self, given: types.WSGIEnviron, path: str) -> dict[str, Any]:
        try:
            octets = path.removeprefix(ROOT).encode("utf-8").decode("latin-1")
        except UnicodeError:
            raise Rejected(400, "The path of this request is not UTF-8.") from None
        body = read_body(cast("dict[str, Any]", given), MAX_UPLOAD)
        return {
            **{name: given[name] for name in (*_HEARD, *_HEARD_HEADERS) if name in given},
            **{name: value for name, value in given.items() if name.startswith("wsgi.")},
            "REMOTE_ADDR": client_address(given, self._proxies),
            # Only the configuration says where we are (security rule R8).
            "wsgi.url_scheme": self.place.scheme,
            "HTTP_HOST": self.place.netloc,
            "SERVER_NAME": self.place.host,
            "SERVER_PORT": str(self.place.port),
            "SCRIPT_NAME": self.place.prefix + ROOT,
            "PATH_INFO": octets,
            "CONTENT_LENGTH": str(len(body)),
            "wsgi.input": io.BytesIO(body),
        }

    def _call(self, environ: dict[str, Any]) -> types.WSGIResponse:
        answered: list[tuple[str, list[tuple[str, str]]]] = []

        def start_response(status: str, headers: list[tuple[str, str]], _error: object = None) -> Any:
            answered.append((status, headers))

        result = self.portal(environ, start_response)
        try:
            body = b"".join(result)
        finally:
            getattr(result, "close", lambda: None)()
        status, headers = answered[-1]
        code = int(status.partition(" ")[0])
        # Radicale keeps one header of each name, so no answer sets a second cookie; it counts the octets itself.
        kept = {name: value for name, value in headers if name.lower() != "content-length"}
        return code, kept, None if code in (HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED) else body, None


def _may_be_compressed(environ: types.WSGIEnviron) -> bool:
    """
    Whether the length of an answer, which Radicale would compress, can tell nobody what is in it.

    Of a compressed page that has a secret and a guess at it in it, whoever sees its length learns whether the guess was
    right (BREACH). They need to have the browser fetch the page many times with other guesses. So a page is compressed
    only where the browser says that no other site made it ask; and where something of the request could get into it,
    because there is a query or a body, only where a person of this page itself followed a link in it or sent a form.
    What a script looks at again by itself has the query with which another site may have opened the page. A form's
    token, which would be worth guessing, lets nobody in without that either: see `radicale_plugin.web.protection`.
    """
    is_get, site = environ.get("REQUEST_METHOD") == "GET", environ.get("HTTP_SEC_FETCH_SITE")
    if is_get and not environ.get("QUERY_STRING"):
        return site in ("same-origin", "none")
    return site == "same-origin" and (not is_get or environ.get("HTTP_SEC_FETCH_MODE") == "navigate")
