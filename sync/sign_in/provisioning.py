"""
Provisioning: people who are registered from an administrator's list, and kept as the list has them.

The list says who there is and what is in their profile, never who sees it: nobody but its owner sees a field until they
grant it. A profile stays its owner's. What the list said is remembered, so that reading it again changes just what
changed in the list, and nothing that the person wrote since. Only who came from the list can be closed by it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum

from sqlalchemy import delete, insert, select, update
from sqlalchemy.orm import Session

from sync.accounts import acts, addresses, one_time_tokens, preference_changes, registration, starter_groups
from sync.accounts.addresses import EMAIL
from sync.database import accounts
from sync.errors import AlreadyExists, NotFound
from sync.fields import CATALOGUE, FieldContent
from sync.models import Account, ProvisionedAccount, ProvisionedField, now
from sync.notify import outbox
from sync.organisations import members, organisations
from sync.profiles import profiles
from sync.sharing.cards import content_of
from sync.sharing.visibility import StoredField, fields_of
from sync.sign_in.password_reset import RESET

#: How it is remembered into which organisations the list invited somebody; no column is called so.
_INVITED_INTO = "organisation/"
#: How long the link in the first letter may be used.
LIFETIME = 14 * one_time_tokens.DAY


class Result(Enum):
    """What became of somebody on the list."""

    REGISTERED = "registered"
    UPDATED = "updated"
    UNCHANGED = "unchanged"
    #: Somebody has this login who is not from the list.
    NOT_OURS = "left alone"


@dataclass(frozen=True, slots=True)
class Listed:
    """
    Somebody on the list: *fields* by the list's column, where to write them, and in which *language*, if that is known.

    *groups* are those that they get beside the usual ones, and *organisations* those that they are invited into: what
    these see, and whether they join, is for them to say.
    """

    login: str
    fields: Mapping[str, FieldContent]
    groups: Sequence[str] = ()
    email: str = ""
    language: str = ""
    organisations: Sequence[str] = ()


@dataclass(slots=True)
class Report:
    """
    What was done: how many fields *changed*, how many were *kept* as the person wrote them, if a *letter* goes.

    *invited* is into how many organisations they were invited.
    """

    result: Result
    changed: int = 0
    kept: int = 0
    letter: bool = False
    invited: int = 0


def put(session: Session, listed: Listed, *, renew: bool = False) -> Report:
    """
    Register somebody who is on the list, and write them a letter by which they choose a password.

    Who has been registered from the list stays as they are, unless *renew* is set: then their profile gets what changed
    in the list, and an account that was closed because they were missing from it is opened again. With *renew*, who was
    registered otherwise counts as from the list from now on.

    Raises:
        InvalidInput: The login cannot be one, or a group's name.
        LimitExceeded: There are more, or larger, fields than a profile may have.
        NotFound: There is no such organisation.
    """
    with session.begin_nested():
        try:
            account_id = registration.create(session, listed.login)
        except AlreadyExists:
            return _meet(session, listed, renew=renew)
        _note(session, account_id)
        acts.note(session, acts.COMMAND_LINE, account_id, acts.REGISTER)
        changed = _add(session, account_id, listed.fields)
        starter_groups.create(session, account_id, listed.language, listed.groups)
        if listed.language:
            preference_changes.set_language(session, account_id, listed.language)
        invited = _invite_into(session, account_id, listed.organisations)
        return Report(Result.REGISTERED, changed, letter=invite(session, account_id, listed), invited=invited)


def invite(session: Session, account_id: int, listed: Listed) -> bool:
    """Write somebody a letter with a link by which they choose a password once; returns whether it goes."""
    if not listed.email:
        return False
    address = addresses.normalize(session, EMAIL, listed.email)
    token = one_time_tokens.issue(session, RESET, account_id, {"email": address}, lifetime=LIFETIME)
    link = outbox.link(session, RESET, token)
    return outbox.post(session, EMAIL, address, "welcome", listed.language, login=listed.login, link=link)


def missing(session: Session, logins: Collection[str]) -> tuple[list[tuple[int, str]], int]:
    """Return who is from the list, open and not among *logins* any more, and how many are open and from the list."""
    rows = session.execute(
        select(Account.id, Account.login)
        .join(ProvisionedAccount, ProvisionedAccount.owner_id == Account.id)
        .where(Account.disabled_at.is_(None))
        .order_by(Account.login)
    ).all()
    return [(account_id, login) for account_id, login in rows if login not in logins], len(rows)


def close(session: Session, account_id: int) -> None:
    """
    Close the account of somebody who is missing from the list; *put* opens it again when they are back.

    Raises:
        NotFound: There is no such person.
    """
    registration.set_disabled(session, account_id, disabled=True)
    acts.note(session, acts.COMMAND_LINE, account_id, acts.DISABLE)
    mine = ProvisionedAccount.owner_id == account_id
    session.execute(update(ProvisionedAccount).where(mine).values(missing_since=now()))


def _meet(session: Session, listed: Listed, *, renew: bool) -> Report:
    try:
        account_id = accounts.find(session, listed.login)
    except NotFound:
        # The login of somebody who left stays taken.
        return Report(Result.NOT_OURS)
    known = session.get(ProvisionedAccount, account_id, populate_existing=True)
    if not renew:
        return Report(Result.UNCHANGED if known else Result.NOT_OURS)
    if known is None:
        _note(session, account_id)
    report = _renew(session, account_id, listed.fields)
    report.invited = _invite_into(session, account_id, listed.organisations)
    if report.invited:
        report.result = Result.UPDATED
    if known is not None and known.missing_since is not None:
        registration.set_disabled(session, account_id, disabled=False)
        acts.note(session, acts.COMMAND_LINE, account_id, acts.ENABLE)
        mine = ProvisionedAccount.owner_id == account_id
        session.execute(update(ProvisionedAccount).where(mine).values(missing_since=None))
        report.result = Result.UPDATED
    return report


def _invite_into(session: Session, account_id: int, names: Sequence[str]) -> int:
    """Invite somebody into organisations, once for ever: who declined or left is not asked again by the same list."""
    invited = 0
    for asked in {each.id: each for each in (organisations.named(session, name) for name in names)}.values():
        column = f"{_INVITED_INTO}{asked.id:x}"
        mine = (ProvisionedField.owner_id == account_id, ProvisionedField.name == column)
        if session.scalars(select(ProvisionedField.name).where(*mine)).first() is not None:
            continue
        remembered = {"owner_id": account_id, "name": column, "field_id": 0, "digest": ""}
        session.execute(insert(ProvisionedField).values(**remembered))
        if members.invite(session, asked.id, account_id):
            acts.note(session, acts.COMMAND_LINE, account_id, acts.CALL_IN, asked.name)
            invited += 1
    return invited


def _renew(session: Session, account_id: int, wanted: Mapping[str, FieldContent]) -> Report:
    """Carry what changed in the list into a profile: a merge of what it said, what it says, and what is there."""
    own = {field.id: field for field in fields_of(session, account_id)}
    rows = session.execute(
        select(ProvisionedField.name, ProvisionedField.field_id, ProvisionedField.digest).where(
            ProvisionedField.owner_id == account_id
        )
    ).all()
    before = {name: (field_id, digest) for name, field_id, digest in rows if not name.startswith(_INVITED_INTO)}
    report = Report(Result.UNCHANGED)
    for name, (field_id, digest) in before.items():
        content = wanted.get(name)
        if content is not None and content.digest == digest:
            continue
        if _is_untouched(own.get(field_id), digest) and (content is None or content.kind == own[field_id].kind):
            _replace(session, account_id, field_id, content)
            report.changed += 1
        else:
            report.kept += 1
        _remember(session, account_id, name, field_id, content)
    fresh = {name: content for name, content in wanted.items() if name not in before}
    report.kept += _settle(session, account_id, fresh, list(own.values()))
    report.changed += _add(session, account_id, fresh)
    if report.changed:
        acts.note(session, acts.COMMAND_LINE, account_id, acts.UPDATE)
        report.result = Result.UPDATED
    return report


def _settle(session: Session, account_id: int, fresh: dict[str, FieldContent], own: Sequence[StoredField]) -> int:
    """Take out of *fresh* what somebody has already, and return of how much of it they say something else."""
    same = {content_of(field).digest: field.id for field in own}
    single = {field.kind: field.id for field in own if field.kind in CATALOGUE and not CATALOGUE[field.kind].repeatable}
    kept = 0
    for name, content in list(fresh.items()):
        field_id = same.get(content.digest) or single.get(content.kind)
        if field_id is not None:
            kept += content.digest not in same
            _remember(session, account_id, name, field_id, fresh.pop(name))
    return kept


def _is_untouched(field: StoredField | None, digest: str) -> bool:
    return field is not None and field.claim is None and content_of(field).digest == digest


def _replace(session: Session, account_id: int, field_id: int, content: FieldContent | None) -> None:
    if content is None:
        profiles.remove_field(session, account_id, field_id)
    else:
        profiles.set_field(session, account_id, field_id, content)


def _add(session: Session, account_id: int, wanted: Mapping[str, FieldContent]) -> int:
    if not wanted:
        return 0
    added = profiles.add_fields(session, account_id, list(wanted.values()))
    rows = [
        {"owner_id": account_id, "name": name, "field_id": field_id, "digest": content.digest}
        for field_id, (name, content) in zip(added, wanted.items(), strict=True)
    ]
    session.execute(insert(ProvisionedField), rows)
    return len(added)


def _remember(session: Session, account_id: int, name: str, field_id: int, content: FieldContent | None) -> None:
    mine = (ProvisionedField.owner_id == account_id, ProvisionedField.name == name)
    session.execute(delete(ProvisionedField).where(*mine))
    if content is not None:
        values = {"owner_id": account_id, "name": name, "field_id": field_id, "digest": content.digest}
        session.execute(insert(ProvisionedField).values(**values))


def _note(session: Session, account_id: int) -> None:
    session.execute(insert(ProvisionedAccount).values(owner_id=account_id, provisioned_at=now()))
