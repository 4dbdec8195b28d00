"""How a view answers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast
from urllib.parse import urlsplit

from flask import Response, flash, make_response, redirect, render_template, url_for

from radicale_plugin.web.error_messages import told
from radicale_plugin.web.signed_in import portal
from sync.errors import DatabaseUnavailable, EndsDue, EvercardError


def page(template: str, status: int = 200, /, **values: Any) -> Response:
    """
    Return a page, or the part of one that htmx asked for.

    Where the request is refused, and where ``unsaved`` says so, forms for its address are shown again with what was
    typed in them, and the browser asks before they are left.
    """
    return make_response(render_template(template, **{"unsaved": status >= 400, **values}), status)


def go(endpoint: str, **values: Any) -> Response:
    """Send the browser to a page after a POST, so that reloading sends nothing twice."""
    return cast("Response", redirect(url_for(endpoint, **values), 303))


def go_to(path: str | None, otherwise: str) -> Response:
    """Send the browser to *path* if it is one of the portal's own, or to the page of the endpoint *otherwise*."""
    return cast("Response", redirect(path if path and is_own(path) else url_for(otherwise), 303))


def is_own(path: str) -> bool:
    """Whether a browser that is sent to *path* stays in the portal."""
    root = f"{portal().place.prefix}/.web/"
    # Browsers take a backslash for a slash, and leave out what is no character of an address.
    if not path.startswith(root) or "\\" in path or not path.isascii() or not path.isprintable():
        return False
    split = urlsplit(path)
    return not split.scheme and not split.netloc


def attempt(change: Callable[[], object]) -> bool:
    """Run *change*; where the engine refuses it, say why on the next page and return False."""
    try:
        change()
    except (DatabaseUnavailable, EndsDue):
        raise
    except EvercardError as error:
        told(error)
        return False
    return True


def say(message: str) -> None:
    """Say that something was done, on the next page that is shown."""
    flash(message, "success")


def say_open(message: str) -> None:
    """Say beside it that strangers see something now."""
    flash(message, "open")
