"""
Forms that make something make it once, however often a browser sends them: after a double click, or by reloading.

Every form carries a token of its own, so the same token with the same values is the same form, sent again. Whoever sent
it is led to where the first time led.

A form that makes a secret, which is shown once and stored nowhere, carries a *mark* besides, which stays the same when
somebody had to sign in anew meanwhile. The secret follows from it and from a key of this server: the browser of whoever
made it has it still where a page is loaded again, and nobody else. A mark is good for as long as what it made is
remembered: what was ended is not brought back by a page that was left open.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any, TypeVar, cast

from flask import Response, redirect, request
from typing_extensions import override
from wtforms import HiddenField

from radicale_plugin.web.forms import Form
from radicale_plugin.web.language import gettext as _
from radicale_plugin.web.portal import Portal
from radicale_plugin.web.signed_in import current_person, database
from sync.database.engine import Session
from sync.errors import AlreadyExists
from sync.meeting import sent_forms

T = TypeVar("T")


class SecretForm(Form):
    """A form that makes a secret, which follows from its `seed`. Its template has a mark in it (macro `marked`)."""

    mark = HiddenField()

    def __init__(self, **values: object) -> None:
        """Take what was posted; a page that is opened has a mark of its own, or the one in *values*."""
        super().__init__(**{"mark": sent_forms.new_mark(), **values})

    @override
    def validate(self, extra_validators: Any = None) -> bool:
        """Check every field; of a page that was open for too long, say so, and give it another mark."""
        if sent_forms.is_fresh(self.mark.data or ""):
            return super().validate(extra_validators)
        self.mark.data = sent_forms.new_mark()
        self.mark.errors = [
            _("This page was open for more than a day. Look whether all of it is right, and send it again.")
        ]
        return False

    @property
    def seed(self) -> str:
        """What the secret follows from; whoever sends the form again has the same."""
        return _identity()


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


def once_or_again(make: Callable[[Session], T], again: Callable[[Session], T | None], then: str) -> T:
    """
    Return what *make* makes with a secret; where the form of this request made it before, what *again* finds of it.

    Raises:
        SentBefore: It was made, and there is nothing of it any more.
    """
    try:
        return database().write(once(make, then))
    except SentBefore:
        if (found := database().write(again)) is None:
            raise
        return found


def _identity() -> str:
    values = sorted(request.form.items(multi=True))
    if request.form.get("mark"):
        values = [(name, value) for name, value in values if name != "csrf_token"]
    return hashlib.blake2b(repr((request.path, values)).encode("utf-8", "replace"), digest_size=32).hexdigest()


def _lead_on(error: SentBefore) -> Response:
    return cast("Response", redirect(error.then, 303))
