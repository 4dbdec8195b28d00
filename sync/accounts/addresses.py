"""E-mail addresses and phone numbers that people proved to be theirs."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from typing import Any

from sqlalchemy import delete, func, insert, select
from sqlalchemy.orm import Session

from sync.accounts import one_time_tokens
from sync.accounts.rate_limits import DAY, HOUR, Limit, take
from sync.database import accounts
from sync.database.engine import Database, settings_of
from sync.errors import InvalidInput, InvalidOneTimeToken, LimitExceeded, NotFound, Refused
from sync.models import Address, Profile, now
from sync.notify import outbox
from sync.sharing import search_keys
from sync.sharing.preferences import preferences_of

EMAIL, SMS = "email", "sms"
CHANNELS = (EMAIL, SMS)
#: The purpose of the one-time token by which somebody proves that they read an address's e-mail.
CONFIRM = "confirm"
_CODE = "phone"
_CODE_LIFETIME = 15 * 60
#: What one person may have sent to addresses that they still have to prove, and what all together may.
PROOFS = Limit("prove an address", 10, DAY)
PROOFS_OF_ALL = Limit("prove any address", 2_000, HOUR)
#: What one mailbox or number gets, and of that because of one person, and from one source. Each of these has its
#: share, so that whoever wants to keep the owner from proving their own address needs many accounts and many places.
PROOFS_OF_ADDRESS = Limit("prove this address", 20, DAY)
PROOFS_OF_PERSON = Limit("prove this address, one person", 3, DAY)
PROOFS_OF_SOURCE = Limit("prove this address from", 4, DAY)
#: Mail servers that deliver to one mailbox whatever dots there are before the @.
_DOTLESS = frozenset({"gmail.com", "googlemail.com"})


def normalize(session: Session, channel: str, text: str) -> str:
    """
    Return an address as it is stored and compared: e-mail in small letters, a phone number in E.164.

    A number without a country code is of the country that the settings name.

    Raises:
        InvalidInput: It is no such address.
    """
    if channel == EMAIL:
        return email_of(text)
    if channel == SMS:
        return _number(text, settings_of(session).phone_region)
    raise InvalidInput(f"An address is of one of {', '.join(CHANNELS)}.")


def email_of(text: str) -> str:
    """
    Return an e-mail address as it is stored and compared.

    Raises:
        InvalidInput: It is none.
    """
    # It takes a while to load, which no poll need wait for.
    from email_validator import EmailNotValidError, validate_email

    try:
        found = validate_email(plain(text), check_deliverability=False)
    except (EmailNotValidError, UnicodeError, ValueError) as error:
        raise InvalidInput("This is no e-mail address.") from error
    value = found.normalized.casefold()
    if len(value) > 254:
        raise InvalidInput("This is no e-mail address.")
    return value


def plain(text: str) -> str:
    """
    Return what somebody typed as it is meant: full-width letters as plain ones, and nothing that nobody sees.

    Such as the soft hyphens and marks of direction that come along when an address is copied from a page.
    """
    shown = "".join(letter for letter in text if unicodedata.category(letter) != "Cf")
    return unicodedata.normalize("NFKC", shown).strip()


def mailbox(channel: str, value: str) -> str:
    """Return where a message to a normalised address ends up, as far as can be told: ``a+b@…`` is ``a@…`` to it."""
    local, at, domain = value.rpartition("@")
    if channel != EMAIL or not at:
        return value
    local = local.partition("+")[0] or local
    return f"{local.replace('.', '') if domain in _DOTLESS else local}@{domain}"


def meant_by(session: Session, text: str) -> tuple[str, str] | None:
    """Return the channel and the normalised address that somebody typed, or None where it is no address."""
    for channel in CHANNELS:
        try:
            return channel, normalize(session, channel, text)
        except InvalidInput:
            continue
    return None


def verify_start(database: Database, owner_id: int, channel: str, text: str, *, source: str) -> str:
    """
    Send a code to a phone number, or a link to an e-mail address, and return the address as it will be stored.

    What happens does not depend on who has proved the address before; several people may share one. *source* is where
    this comes from (see `sync.accounts.rate_limits.source`).

    Raises:
        InvalidInput: It is no address.
        LimitExceeded: The person has as many as they may.
        Refused: This server sends nothing there.
        TooManyTries: So much was sent to it, or because of this person, already.
    """
    with database.reading() as session:
        value = normalize(session, channel, text)

    def count(session: Session) -> None:
        reached = (channel, mailbox(channel, value))
        take(session, PROOFS, str(owner_id))
        take(session, PROOFS_OF_PERSON, str(owner_id), *reached)
        take(session, PROOFS_OF_SOURCE, source, *reached)
        take(session, PROOFS_OF_ADDRESS, *reached)
        take(session, PROOFS_OF_ALL)

    def send(session: Session) -> None:
        _require_room(session, owner_id, channel, value)
        language = preferences_of(session, owner_id).language or "en"
        said: dict[str, str]
        if channel == EMAIL:
            token = one_time_tokens.issue(session, CONFIRM, owner_id, {"email": value}, lifetime=one_time_tokens.DAY)
            template, said = "confirm", {"link": outbox.link(session, CONFIRM, token)}
        else:
            code = one_time_tokens.issue_code(session, _CODE, owner_id, value, {}, lifetime=_CODE_LIFETIME)
            template, said = "code", {"code": code}
        if not outbox.post(session, channel, value, template, language, **said):
            raise Refused("This server sends no messages of this kind.")

    database.write(count)
    database.write(send)
    return value


def verify_link(session: Session, token: str) -> int:
    """
    Add the e-mail address that a link was sent to, and return the account that it belongs to now.

    Raises:
        InvalidTicket: The link was made up, expired, or was used.
        LimitExceeded: The person has as many as they may.
    """
    opened = one_time_tokens.use(session, CONFIRM, token)
    if opened.account_id is None:
        raise InvalidOneTimeToken
    add(session, opened.account_id, EMAIL, opened.values["email"])
    return opened.account_id


def verify_code(session: Session, owner_id: int, text: str, code: str) -> bool:
    """
    Add the phone number that a code was sent to, if it is the right one, and return whether it was.

    A wrong code is no error, because it stays counted: the caller commits.

    Raises:
        InvalidInput: *text* is no phone number.
        LimitExceeded: The person has as many as they may.
    """
    value = normalize(session, SMS, text)
    if one_time_tokens.use_code(session, _CODE, owner_id, value, code) is None:
        return False
    add(session, owner_id, SMS, value)
    return True


def add(session: Session, owner_id: int, channel: str, text: str) -> str:
    """
    Note that a person proved an address to be theirs, and return it as it is stored. Twice is the same as once.

    Raises:
        InvalidInput: It is no address.
        LimitExceeded: The person has as many as they may.
        NotFound: There is no such person.
    """
    value = normalize(session, channel, text)
    with session.begin_nested():
        _lock(session, owner_id)
        _require_room(session, owner_id, channel, value)
        if (channel, value) not in addresses_of(session, owner_id):
            session.execute(insert(Address).values(owner_id=owner_id, channel=channel, value=value, verified_at=now()))
            search_keys.renew(session, owner_id)
    return value


def remove(session: Session, owner_id: int, channel: str, text: str) -> None:
    """
    Forget that an address is a person's; nobody finds them by it any more.

    Raises:
        InvalidInput: It is no address.
        NotFound: They never proved it, or there is no such person.
    """
    value = normalize(session, channel, text)
    with session.begin_nested():
        _lock(session, owner_id)
        own = (Address.owner_id == owner_id, Address.channel == channel, Address.value == value)
        if session.execute(delete(Address).where(*own).returning(Address.value)).first() is None:
            raise NotFound("There is no such address.")
        search_keys.renew(session, owner_id)


def addresses_of(session: Session, owner_id: int) -> list[tuple[str, str]]:
    """Return channel and address of everything that a person proved to be theirs, e-mail first, oldest first."""
    proved = select(Address.channel, Address.value).where(Address.owner_id == owner_id)
    rows: Sequence[Any] = session.execute(proved.order_by(Address.channel, Address.verified_at, Address.value)).all()
    return [(channel, value) for channel, value in rows]


def _lock(session: Session, owner_id: int) -> None:
    accounts.lock(session, owner_id)
    session.execute(select(Profile.version).where(Profile.owner_id == owner_id).with_for_update())


def _require_room(session: Session, owner_id: int, channel: str, value: str) -> None:
    others = select(func.count()).where(
        Address.owner_id == owner_id, (Address.channel != channel) | (Address.value != value)
    )
    limit = settings_of(session).limits.addresses
    if session.scalars(others).one() >= limit:
        raise LimitExceeded(f"A person has at most {limit} addresses; remove one first.")


def _number(text: str, region: str) -> str:
    # Slow to load, and few commands need it.
    import phonenumbers
    from phonenumbers import NumberParseException, PhoneNumberFormat, ValidationResult

    try:
        number = phonenumbers.parse(plain(text), region or None)
    except (NumberParseException, UnicodeError) as error:
        raise InvalidInput("This is no phone number; write it with its country code, such as +86.") from error
    # Whether a number is in use changes faster than the tables of it; one that is not gets no code.
    if phonenumbers.is_possible_number_with_reason(number) != ValidationResult.IS_POSSIBLE:
        raise InvalidInput("This is no phone number; write it with its country code, such as +86.")
    return phonenumbers.format_number(number, PhoneNumberFormat.E164)
