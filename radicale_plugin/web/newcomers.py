"""
How somebody who is new comes in, in two steps: what they say of themselves and who sees it; then how they sign in.

The second step shows the card as it will be seen. What was typed in the first goes along in hidden fields, so that
nothing is kept of whoever does not go on, and it works without JavaScript.
"""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from flask import Response, request
from wtforms import BooleanField, EmailField, PasswordField, StringField, TelField
from wtforms.validators import InputRequired, Length, Optional

from radicale_plugin.web import language, signed_in
from radicale_plugin.web.field_display import card_of
from radicale_plugin.web.forms import Form
from radicale_plugin.web.language import gettext as _
from radicale_plugin.web.language import lazy
from radicale_plugin.web.page import attempt, page, say
from radicale_plugin.web.signed_in import database
from sync.accounts import addresses
from sync.database import accounts
from sync.errors import AlreadyExists, InvalidInput, TooManyTries, WrongPassword
from sync.fields import FieldContent, field_from_text
from sync.meeting import sent_forms
from sync.meeting.first_card import FirstCard, proposed_login, with_login
from sync.sign_in import password_reset, signing_in, signing_up
from sync.sign_in.credentials import MAXIMUM_LENGTH, MINIMUM_LENGTH


class About(Form):
    """What somebody says of themselves, and what of it whoever they connect with sees."""

    name = StringField(lazy("Your name"), [InputRequired(), Length(max=200)])
    number = TelField(lazy("Mobile number"), [Optional(), Length(max=100)])
    email = EmailField(
        lazy("E-mail address (not required)"),
        [Optional(), Length(max=254)],
        description=lazy("Only to let you in again when you have lost your password."),
    )
    sees_name = BooleanField(lazy("My name"))
    sees_number = BooleanField(lazy("My mobile number"))

    def contents(self, *, shown: bool) -> tuple[FieldContent, ...]:
        """
        Return the fields that connections see, or those that they do not.

        Raises:
            InvalidInput: One of them cannot be a field.
        """
        said = (("name", self.name, self.sees_name), ("mobile", self.number, self.sees_number))
        return tuple(
            field_from_text(kind, item.data) for kind, item, tick in said if item.data and bool(tick.data) == shown
        )

    def is_right(self) -> bool:
        """Whether all of it can be kept; what cannot is said at the fields."""
        if not self.validate():
            return False
        said: tuple[tuple[str, Callable[[str], object]], ...] = (
            ("name", lambda text: field_from_text("name", text)),
            ("number", lambda text: field_from_text("mobile", text)),
            ("email", addresses.email_of),
        )
        for name, read in said:
            if name in self and self[name].data:
                try:
                    read(self[name].data)
                except InvalidInput as error:
                    self.refuse(name, error)
        return not self.errors


class Access(Form):
    """What somebody signs in with from now on."""

    login = StringField(
        lazy("Login"),
        [InputRequired(), Length(max=64)],
        description=lazy("Small letters and digits, and between them also dots, hyphens or underscores."),
    )
    password = PasswordField(
        lazy("Password"),
        [InputRequired(), Length(min=MINIMUM_LENGTH, max=MAXIMUM_LENGTH)],
        description=lazy("At least 10 characters. A few words that nobody else would put together are best."),
    )


@dataclass(frozen=True, slots=True)
class Door:
    """
    A way in. *template* is its first page, *action* where its forms go, *values* what its pages want to know.

    *token* is that of a link, *inviter* the name of whoever it is from, and *address* where it was sent to: what was
    proved by reading it is not asked for. *sign_up* makes the account and returns the token of its session, and what is
    to be said about it besides.
    """

    template: str
    action: str
    sign_up: Callable[[str, str, FirstCard], tuple[str, str]]
    token: str = ""
    inviter: str = ""
    channel: str = ""
    address: str = ""
    values: dict[str, Any] | None = None


def is_open(door: Door) -> bool:
    """Whether somebody can come in by it."""
    with database().reading() as session:
        return signing_up.is_open(session, invited=bool(door.token))


def first_page(door: Door, status: int = 200) -> Response:
    """Return the first step, empty but for what is known."""
    number = door.address if door.channel == addresses.SMS else ""
    return _first(door, _about(door, number=number, sees_name=True, sees_number=True), status)


def come_in(door: Door) -> Response | None:
    """Do what a step's form asks for, and return the page that is next; None once there is an account."""
    about, access, is_back = _about(door), Access(), "change" in request.form
    if is_back or not about.is_right():
        return _first(door, about, 200 if is_back else 400)
    if request.form.get("step") == "about":
        access.process(None, data={"login": proposed_login(about.name.data or "")})
        return _second(door, about, access, 200)
    wrong = _make(door, about, access) if access.validate() else 400
    return _second(door, about, access, wrong) if wrong else None


def _make(door: Door, about: About, access: Access) -> int:
    """Make the account and go in; or say what is wrong, and return the status of the page that shows it."""
    if come_back():
        return 0
    login, password = access.login.data or "", access.password.data or ""
    card = FirstCard(language.current(), about.contents(shown=True), about.contents(shown=False), _form())
    try:
        inside, told = with_login(lambda tried: door.sign_up(tried, password, card), login, about.name.data or "")
    except (AlreadyExists, InvalidInput, TooManyTries) as error:
        if come_back():
            return 0
        access.refuse("login", error)
        return 429 if isinstance(error, TooManyTries) else 400
    signed_in.sign_in(inside)
    if told:
        say(told)
    say(_("Welcome! You sign in as %(login)s.", login=signed_in.current_person().login))
    if "email" in about and about.email.data:
        _ask_to_confirm(about.email.data)
    return 0


def come_back() -> bool:
    """
    Sign in who sent the second step twice, such as by a double click: the account is made, and a link is used up.

    Returns whether it was so. That a login and its password fit is not enough: people share names, and passwords.
    """
    with database().reading() as session:
        account_id = sent_forms.made_by(session, _form())
        login = accounts.logins(session, [account_id]).get(account_id) if account_id is not None else None
    if login is None:
        return False
    source, browser, password = signed_in.source(), signed_in.browser(), request.form.get("password", "")
    with contextlib.suppress(WrongPassword, TooManyTries):
        signed_in.sign_in(signing_in.sign_in(database(), login, password, source=source, browser=browser))
        return True
    return False


def _form() -> str:
    return request.form.get("form", "")[:100]


def _about(door: Door, **values: object) -> About:
    about = About(**values)
    with database().reading() as session:
        sends_email = password_reset.is_possible(session)
    if not sends_email or door.channel == addresses.EMAIL:
        del about.email
    return about


def _first(door: Door, about: About, status: int) -> Response:
    return page(door.template, status, door=door, about=about, **(door.values or {}))


def _second(door: Door, about: About, access: Access, status: int) -> Response:
    card = card_of(about.contents(shown=True), access.login.data or proposed_login(about.name.data or ""))
    values = {"door": door, "about": about, "access": access, "card": card, "form": secrets.token_urlsafe(16)}
    return page("signing/access.html", status, **values, **(door.values or {}))


def _ask_to_confirm(email: str) -> None:
    me, source = signed_in.current_person().account_id, signed_in.source()
    if attempt(lambda: addresses.verify_start(database(), me, addresses.EMAIL, email, source=source)):
        say(_("A link is on its way to your e-mail address. Follow it to confirm that the address is yours."))
