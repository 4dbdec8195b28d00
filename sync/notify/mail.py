"""E-mail, by SMTP."""

from __future__ import annotations

import email.policy
import smtplib
import socket
import ssl
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime, localtime, parseaddr

from sync.models import new_id
from sync.notify import markup, outgoing
from sync.notify.outbox import Letter, Sender, Undeliverable, Unreachable
from sync.notify.templates import plain, render
from sync.settings import Sending

TIMEOUT = 20
#: A link in a header is one word that must not be folded, which the library would do by encoding it.
_POLICY = email.policy.SMTP.clone(max_line_length=900)


def sender(settings: Sending) -> Sender:
    """Return what hands messages to the mail server of *settings*; each opens a connection of its own."""

    def send(letter: Letter) -> None:
        _hand_over(settings, _message(settings, letter))

    return send


def try_out(settings: Sending, recipient: str) -> None:
    """
    See whether the mail server lets us in, and have it take a test letter where there is a *recipient*.

    Raises:
        Undeliverable: It refuses the letter.
        Unreachable: It cannot be used.
    """
    text = render("test", "email", "en", {"site": socket.getfqdn()})
    _hand_over(settings, _message(settings, Letter(new_id(), recipient, text, None)) if recipient else None)


def _hand_over(settings: Sending, message: EmailMessage | None) -> None:
    try:
        with _connect(settings) as server:
            if message is not None:
                server.send_message(message)
    except smtplib.SMTPRecipientsRefused as error:
        codes = {code for code, _ in error.recipients.values()}
        _raise(min(codes), error)
    except smtplib.SMTPResponseException as error:
        # A wrong password or sender address is put right in the configuration, and the message still matters.
        for_good = isinstance(error, smtplib.SMTPDataError)
        _raise(error.smtp_code if for_good else 400, error)
    except (OSError, smtplib.SMTPException) as error:
        raise Unreachable(f"the mail server cannot be used ({type(error).__name__})") from error


def _connect(settings: Sending) -> smtplib.SMTP:
    context = ssl.create_default_context()
    server: smtplib.SMTP
    outgoing.look_up(settings.smtp_host, settings.smtp_port)
    if settings.smtp_security == "tls":
        server = smtplib.SMTP_SSL(settings.smtp_host, settings.smtp_port, timeout=TIMEOUT, context=context)
    else:
        server = smtplib.SMTP(settings.smtp_host, settings.smtp_port, timeout=TIMEOUT)
    try:
        if settings.smtp_security == "starttls":
            server.starttls(context=context)
        if settings.smtp_user:
            server.login(settings.smtp_user, settings.smtp_password)
    except BaseException:
        server.close()
        raise
    return server


def _message(settings: Sending, letter: Letter) -> EmailMessage:
    message = EmailMessage(policy=_POLICY)
    domain = parseaddr(settings.mail_from)[1].rpartition("@")[2] or "localhost"
    message["From"] = _from(settings.mail_from, letter.person)
    message["To"] = letter.recipient
    message["Subject"] = letter.text.subject
    message["Date"] = format_datetime(localtime())
    message["Message-ID"] = f"<{letter.id:x}@{domain}>"
    # Nobody's answering machine shall answer (RFC 3834).
    message["Auto-Submitted"] = "auto-generated"
    if letter.unsubscribe:
        message["List-Unsubscribe"] = f"<{letter.unsubscribe}>"
        message["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    message.set_content(letter.text.body, cte="quoted-printable")
    looks = markup.page(letter.text.subject, letter.text.body, letter.language, letter.links)
    message.add_alternative(looks, subtype="html", cte="quoted-printable")
    return message


def _from(mail_from: str, person: str) -> Address:
    """Return who a message is from: the person for whom it is sent, with the name or domain of this server beside."""
    own, address = parseaddr(mail_from)
    name = " ".join(plain(person).split())[:100]
    beside = own or address.rpartition("@")[2]
    return Address(f"{name} ({beside})" if name else own, addr_spec=address)


def _raise(code: int, error: Exception) -> None:
    if 500 <= code < 600:
        raise Undeliverable(f"the mail server refuses it ({code})") from error
    raise Unreachable(f"the mail server takes it later ({code})") from error
