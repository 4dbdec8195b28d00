"""What only administrators see: for others there is nothing at its addresses. And how what they do is said."""

from __future__ import annotations

from typing import Any

from babel.numbers import format_decimal
from flask import request
from werkzeug.exceptions import NotFound

from radicale_plugin.web import language
from radicale_plugin.web.language import gettext as _
from radicale_plugin.web.language import lazy
from radicale_plugin.web.portal import Portal
from radicale_plugin.web.signed_in import visitor
from sync import faults
from sync.accounts import acts

#: Where their pages are.
ROOT = "/administration"
#: What was done with somebody's account.
SAID: dict[str, Any] = {
    acts.APPOINT: lazy("Made an administrator"),
    acts.CALL_IN: lazy("Invited into an organisation"),
    acts.LET_MANAGE: lazy("Looks after an organisation from now on"),
    acts.NOT_MANAGE: lazy("Looks after an organisation no longer"),
    acts.PUT_OUT: lazy("Removed from an organisation"),
    acts.END: lazy("Organisation ended"),
    acts.DELETE: lazy("Account deleted"),
    acts.DISABLE: lazy("Account closed"),
    acts.DISMISS: lazy("Not an administrator any more"),
    acts.ENABLE: lazy("Account opened again"),
    acts.INVITE: lazy("Account made, and a letter sent"),
    acts.PASSWORD: lazy("Password set"),
    acts.REGISTER: lazy("Account made"),
    acts.FILL: lazy("Card filled by the organisation"),
    acts.LINK: lazy("Account linked with the organisation"),
    acts.RESET: lazy("Link for a new password sent"),
    acts.UPDATE: lazy("Card brought up to date from a list"),
}
#: What the worker could not do, by the kind of fault.
COULD_NOT: dict[str, Any] = {
    "fan_out": lazy("Carry a changed card to address books"),
    "roster": lazy("Tell the members of an organisation of a change"),
    "shared_book": lazy("Tell of a change in a shared address book"),
    "household": lazy("Let those follow who carry a field"),
    "disclosure": lazy("Thin out what was disclosed"),
    "leaving": lazy("Finish deleting an account"),
    faults.ENDS: lazy("Take back what is over"),
    faults.ASKING: lazy("Ask whether something shall end"),
    faults.RENEWING: lazy("Write cards anew after an upgrade"),
    faults.ERRANDS: lazy("Do what requests left"),
    faults.SENDING: lazy("Send messages"),
    faults.PUSH: lazy("Tell devices of changes"),
    faults.DIGESTS: lazy("Put together what is sent once a day"),
    faults.PROVIDER: lazy("Ask an organisation who is still there"),
    faults.DIRECTORY: lazy("Look through an organisation’s directory"),
    faults.MEMBERS: lazy("Empty organisations that were deleted"),
    faults.BOOKS: lazy("Delete shared address books of deleted organisations"),
    faults.TIDYING: lazy("Drop what expired"),
}
_UNITS = ("kB", "MB", "GB")


def install(portal: Portal) -> None:
    """Hide these pages, and let templates say ``act.what|done``, ``octets|size`` and ``fault.kind|could_not``."""
    portal.before_request(_hide)
    portal.jinja_env.filters["done"] = done
    portal.jinja_env.filters["size"] = size
    portal.jinja_env.filters["could_not"] = could_not


def done(what: str) -> str:
    """Say what was done with an account; a command of the command line is called by its name."""
    said = SAID.get(what)
    return str(said) if said is not None else _("Command used: %(command)s", command=f"evercard {what}")


def could_not(kind: str) -> str:
    """Say what the worker could not do."""
    return str(COULD_NOT.get(kind, kind))


def size(octets: int) -> str:
    """Say how much room something takes."""
    number, unit = octets / 1000, _UNITS[0]
    for larger in _UNITS[1:]:
        if number >= 1000:
            number, unit = number / 1000, larger
    return f"{format_decimal(round(number, 1), locale=language.locale())} {unit}"


def _hide() -> None:
    found = visitor() if f"{request.path}/".startswith(f"{ROOT}/") else None
    if found is not None and not found.is_administrator:
        # Before the form's token is looked at: whatever is sent, the answer is that of an address that is none.
        raise NotFound
