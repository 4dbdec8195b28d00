"""The portal put together: its configuration, what every page gets, and the pages."""

from __future__ import annotations

import importlib
import pkgutil
from datetime import timedelta
from types import ModuleType

import jinja2
from flask import current_app, request
from radicale import config
from werkzeug.exceptions import RequestEntityTooLarge

from radicale_plugin.web import (
    administrators,
    assets,
    avatars,
    browser_names,
    ends,
    error_pages,
    field_display,
    forms,
    ids,
    kept_forms,
    language,
    live,
    menu,
    once,
    organisation,
    pages,
    protection,
    settling,
    signed_in,
    times,
)
from radicale_plugin.web.base_url import Place
from radicale_plugin.web.portal import MAX_FORM, MAX_UPLOAD, Portal
from sync.database.engine import Database
from sync.database.server_keys import key_for
from sync.sign_in import sessions


def load() -> list[ModuleType]:
    """Load whatever a portal is made of and is the same for each, and return the modules of its pages."""
    for tag in language.LANGUAGES:
        language.texts(tag)
    names = sorted(module.name for module in pkgutil.iter_modules(pages.__path__))
    return [importlib.import_module(f"{pages.__name__}.{name}") for name in names]


def create(database: Database, place: Place, configuration: config.Configuration) -> Portal:
    """Make the portal of *database*, which must have been migrated, of a server with *configuration*."""
    portal = Portal(database, place, configuration)
    _configure(portal, database.write(lambda session: key_for(session, "portal")))
    ids.install(portal)
    portal.before_request(_limit_body)
    portal.before_request(_limit_values)
    administrators.install(portal)
    protection.install(portal)
    protection.Tokens(portal)  # type: ignore[no-untyped-call]
    signed_in.install(portal)
    live.install(portal)
    settling.install(portal)
    kept_forms.install(portal)
    language.install(portal)
    assets.install(portal)
    avatars.install(portal)
    browser_names.install(portal)
    times.install(portal)
    field_display.install(portal)
    menu.install(portal)
    organisation.install(portal)
    once.install(portal)
    ends.install(portal)
    error_pages.install(portal)
    for module in load():
        portal.register_blueprint(module.blueprint)
    return portal


def _configure(portal: Portal, key: bytes) -> None:
    secure = portal.place.is_secure
    portal.config.update(
        SECRET_KEY=key,
        SESSION_COOKIE_NAME="__Secure-evercard" if secure else "evercard",
        SESSION_COOKIE_PATH=f"{portal.place.prefix}/.web/",
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SECURE=secure,
        # Not Strict: whoever follows a link from an e-mail would seem to be signed out.
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_REFRESH_EACH_REQUEST=False,
        PERMANENT_SESSION_LIFETIME=timedelta(seconds=sessions.IDLE),
        SEND_FILE_MAX_AGE_DEFAULT=timedelta(days=365),
        MAX_CONTENT_LENGTH=MAX_UPLOAD,
        MAX_FORM_MEMORY_SIZE=MAX_FORM,
        # A page that was left open for long can still be sent; its token lives and dies with the session.
        WTF_CSRF_TIME_LIMIT=None,
        # `protection` compares the origin, which is the referrer's better half.
        WTF_CSRF_SSL_STRICT=False,
    )
    portal.jinja_options = {"undefined": jinja2.StrictUndefined, "trim_blocks": True, "lstrip_blocks": True}


def _limit_values() -> None:
    """Let no view see a text that no form asks for; each form limits what it does ask for (see `forms`)."""
    for values in (request.args, request.form):
        if any(len(text) > forms.LONGEST_OF_ALL for _name, text in values.items(multi=True)):
            raise RequestEntityTooLarge


def _limit_body() -> None:
    view = current_app.view_functions.get(request.endpoint or "")
    if not getattr(view, "takes_files", False):
        request.max_content_length = MAX_FORM
