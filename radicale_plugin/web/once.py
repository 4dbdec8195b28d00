"""
Forms that make something make it once, however often a browser sends them: after a double click, or by reloading.

Every form carries a token of its own, so the same token with the same values is the same form, sent again. Whoever sent
it is led to where the first time led.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import TypeVar, cast

from flask import Response, redirect, request

from radicale_plugin.web.portal import Portal
from radicale_plugin.web.signed_in import current_person
from sync.database.engine import Session
from sync.errors import AlreadyExists
from sync.meeting import sent_forms

T = TypeVar("T")


class SentBefore(Exception):
    """A form was sent again that made something already; the browser is sent to *then*."""

    def __init__(self, then: str) -> None:
        """Remember where to."""
        super().__init__()
        self.then = then


def install(portal: Portal) -> None:
    """Answer what was sent again."""
    portal.register_error_handler(SentBefore, _lead_on)


def once(change: Callable[[Session], T], then: str) -> Callable[[Session], T]:
    """Return *change*, which raises `SentBefore` instead where the form of this request made it before."""
    me, form = current_person().account_id, _identity()

    def noted(session: Session) -> T:
        try:
            sent_forms.note(session, f"{me}/{form}", me)
        except AlreadyExists as error:
            raise SentBefore(then) from error
        return change(session)

    return noted


def _identity() -> str:
    said = repr((request.path, sorted(request.form.items(multi=True))))
    return hashlib.blake2b(said.encode("utf-8", "replace"), digest_size=32).hexdigest()


def _lead_on(error: SentBefore) -> Response:
    return cast("Response", redirect(error.then, 303))
