"""Looks at how messages leave, and tries the mail server."""

from __future__ import annotations

from collections.abc import Iterator
from email.utils import parseaddr

from radicale_plugin import settings
from radicale_plugin.server.checking.finding import Finding, Installation, doubtful, good, wrong
from sync.errors import InvalidInput


def look(installation: Installation) -> Iterator[Finding]:
    """Yield what is doubtful or wrong."""
    values = installation.values
    if bool(values["smtp_host"]) != bool(values["mail_from"]):
        missing = "mail_from" if values["smtp_host"] else "smtp_host"
        yield doubtful(missing, "It is empty, so no e-mail is sent: that takes smtp_host and mail_from.")
    if values["mail_from"] and "@" not in parseaddr(values["mail_from"])[1]:
        yield doubtful("mail_from", "It has no e-mail address, such as Evercard <cards@example.org>.")
    if values["smtp_security"] == "none" and values["smtp_host"] not in ("", "localhost", "127.0.0.1", "::1"):
        yield doubtful("smtp_security", "It is none, so letters and the password can be read on their way.")
    if not values["smtp_host"]:
        yield doubtful("smtp_host", "It is empty: nobody can choose a forgotten password anew, or is told of requests.")
    yield from _region(values["phone_region"])
    yield from _gateway(installation)


def _region(region: str) -> Iterator[Finding]:
    from phonenumbers import SUPPORTED_REGIONS

    if not region:
        yield doubtful("phone_region", "It is empty, so numbers without a country code are nobody's number.")
    elif region.upper() not in SUPPORTED_REGIONS:
        yield doubtful("phone_region", "It is no country; write two letters, such as CN.")


def _gateway(installation: Installation) -> Iterator[Finding]:
    from sync.notify import sms

    if not installation.values["sms_url"]:
        return
    if installation.values["sms_allow_local"]:
        yield doubtful("sms_allow_local", "Text messages may go to the gateway unencrypted.")
    try:
        sms.sender(settings.sending_of(installation.values))
    except InvalidInput as error:
        yield wrong("sms_url", str(error))


def try_mail(installation: Installation) -> Iterator[Finding]:
    """Yield whether the mail server lets us in, and whether it took a letter, where one was asked for."""
    from sync.notify import mail
    from sync.notify.outbox import Undeliverable, Unreachable

    try:
        sending = settings.sending_of(installation.values)
    except InvalidInput:
        return
    if not sending.can_send("email"):
        if installation.mail_to:
            yield wrong("mail", "No letter was sent: that takes smtp_host and mail_from.")
        return
    try:
        mail.try_out(sending, installation.mail_to)
    except (Undeliverable, Unreachable) as error:
        yield wrong("mail", f"{str(error)[0].upper()}{str(error)[1:]}.")
        return
    yield good("mail", "The mail server took a test letter." if installation.mail_to else "The mail server lets us in.")
