"""
Export: everything that is a person's, in one archive that other programs can read.

``my card.vcf`` has the whole profile; ``address books/`` each entry as the person's devices get it, other people's
cards with what the person added, and nothing that the person may not see; ``evercard.json`` what no vCard can say:
groups, who is in them and sees what, decisions, requests, devices.
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Collection, Iterable, Iterator
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from sync import fields
from sync.accounts import acts
from sync.accounts.preference_changes import preferences_of
from sync.accounts.rate_limits import HOUR, Limit, take
from sync.books import entry_texts, roster_entries
from sync.books.entry_texts import EntryText
from sync.database import accounts
from sync.database.engine import Database
from sync.household import shares
from sync.models import Address, Block, Entry, Invitation, PublicFriend, Request
from sync.organisations import members
from sync.profiles import profiles
from sync.revisions import address_books
from sync.revisions.address_books import Book
from sync.shared_books import access, layers, view
from sync.sharing import connections, grants, groups, history
from sync.sharing.cards import SELF
from sync.sharing.visibility import fields_of
from sync.sign_in import credentials

#: An archive reads everything that a person has.
EXPORTS = Limit("export", 10, HOUR)


def take_along(database: Database, account_id: int) -> bytes:
    """
    Return `export` to somebody who asks by themselves.

    Raises:
        TooManyTries: They asked so often already.
    """
    database.write(lambda session: take(session, EXPORTS, str(account_id)))
    with database.reading() as session:
        return export(session, account_id)


def export(session: Session, account_id: int) -> bytes:
    """Return a ZIP archive of everything that is a person's, as it is at one moment if *session* sees one."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as files:
        files.writestr("my card.vcf", profiles.export(session, account_id, "4.0"))
        files.writestr("my card (vCard 3.0).vcf", profiles.export(session, account_id, "3.0"))
        for book, texts in _books(session, account_id, None):
            for entry in texts:
                files.writestr(f"address books/{book.path}/{entry.href.replace('/', '_')}", entry.text)
        about = json.dumps(_about(session, account_id), ensure_ascii=False, indent=2)
        files.writestr("evercard.json", about + "\n")
    return archive.getvalue()


def contacts_file(database: Database, account_id: int) -> bytes:
    """
    Return one vCard file with everybody in a person's address books but themselves, as their devices get them.

    Raises:
        TooManyTries: They asked so often already.
    """
    database.write(lambda session: take(session, EXPORTS, str(account_id)))
    with database.reading() as session:
        return contacts(session, account_id).encode()


def contacts(session: Session, account_id: int) -> str:
    """Return everybody in a person's address books but themselves, as their devices get them."""
    own = select(Entry.href).where(Entry.viewer_id == account_id, Entry.kind == SELF)
    hrefs = set(session.scalars(own))
    found = (entry for _, some in _books(session, account_id) for entry in some)
    return _one_file(entry for entry in found if entry.href not in hrefs)


def shared_file(database: Database, account_id: int, book_id: int) -> bytes:
    """
    Return one vCard file with the contacts of a shared book, as a person's devices get them.

    Raises:
        NotFound: They do not see it.
        TooManyTries: They asked so often already.
    """
    database.write(lambda session: take(session, EXPORTS, str(account_id)))
    with database.reading() as session:
        return _one_file(view.texts(session, access.of_id(session, account_id, book_id))).encode()


def everybodys(session: Session, book_id: int) -> bytes:
    """
    Return one vCard file with the contacts of a shared book, as everybody has them.

    Raises:
        NotFound: There is none.
    """
    return _one_file(entry_texts.texts(session, access.base(session, book_id))).encode()


def _one_file(entries: Iterable[EntryText]) -> str:
    return "".join(each.text if each.text.endswith("\n") else f"{each.text}\r\n" for each in entries)


def _books(
    session: Session, account_id: int, version: str | None = "3.0"
) -> Iterator[tuple[Book, Iterable[EntryText]]]:
    """Yield a person's address books and the shared ones that they may read, each with what is in it."""
    shared = access.books_of(session, account_id)
    seen = {book.id for book in shared}
    for book in address_books.books_of(session, account_id):
        if not book.is_layer:
            yield book, roster_entries.everything(session, book, version)
        elif book.id not in seen:
            # What they added themselves to a book that they do not see any more is theirs.
            yield book, layers.own_texts(session, book, version, None)
    for book in shared:
        yield book, view.texts(session, book, version)


def _about(session: Session, account_id: int) -> dict[str, Any]:
    connected = connections.connected_to(session, account_id)
    requests = session.scalars(select(Request).where(Request.owner_id == account_id)).all()
    blocked = session.scalars(select(Block.other_id).where(Block.owner_id == account_id)).all()
    published = session.scalars(select(PublicFriend.friend_id).where(PublicFriend.owner_id == account_id)).all()
    names = accounts.logins(session, {*connected, *blocked, *published, *(request.other_id for request in requests)})
    preferences = preferences_of(session, account_id)
    addresses = session.scalars(select(Address).where(Address.owner_id == account_id)).all()
    invitations = session.scalars(select(Invitation).where(Invitation.owner_id == account_id)).all()
    return {
        "login": accounts.logins(session, [account_id]).get(account_id, ""),
        "exported_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "fields": [_field(field.id, field.kind, field.content) for field in fields_of(session, account_id)],
        "groups": [_group(session, account_id, group, names) for group in groups.groups_of(session, account_id)],
        "exceptions": [
            {"person": names.get(viewer_id, ""), "field": str(field_id), "allowed": allowed}
            for viewer_id, of_person in grants.exceptions_of(session, account_id).items()
            for field_id, allowed in of_person.items()
        ],
        "connections": _named(connected, names),
        "shared_fields": [
            {"field": str(each.share.field_id), "person": names.get(each.share.carrier_id, ""), "state": each.state}
            for each in shares.shared_by(session, account_id)
        ],
        "carried_fields": [
            {"field": str(each.field_id or ""), "person": names.get(each.share.owner_id, ""), "state": each.state}
            for each in shares.carried_by(session, account_id)
        ],
        "organisations": [_belonging(each) for each in members.belongings(session, account_id)],
        "public_friends": _named(published, names),
        "blocked": _named(blocked, names),
        "requests": [
            {
                "direction": request.direction,
                "person": names.get(request.other_id, ""),
                "state": request.state,
                "message": request.message,
                "asked_at": _time(request.asked_at),
            }
            for request in requests
        ],
        "invitations": [
            {"channel": sent.channel, "to": sent.value, "message": sent.message, "invited_at": _time(sent.invited_at)}
            for sent in invitations
        ],
        "addresses": [
            {"channel": address.channel, "value": address.value, "verified_at": _time(address.verified_at)}
            for address in addresses
        ],
        "preferences": {
            "found_by_login": preferences.found_by_login,
            "found_by_email": preferences.found_by_email,
            "found_by_phone": preferences.found_by_phone,
            "found_by_name": preferences.found_by_name,
            "connecting": preferences.connecting,
            "question": preferences.question,
            "told_of_requests": preferences.told_of_requests,
            "language": preferences.language,
        },
        "administrators": [
            {"what": act.what, "organisation": act.organisation, "by": act.actor, "done_at": _time(act.done_at)}
            for act in acts.all_about(session, account_id)
        ],
        "devices": [
            {"label": device.label, "added_at": _time(device.created_at), "revoked": device.revoked_at is not None}
            for device in credentials.devices(session, account_id)
        ],
        "history": [
            {
                "changed_at": _time(state.changed_at),
                "fields": [
                    _field(field.field_id, field.kind, field.content)
                    for field in history.fields_at(session, account_id, state.version)
                ],
            }
            for state in history.states(session, account_id)
        ],
    }


def _field(field_id: int, kind: str, content: str) -> dict[str, str]:
    said = fields.FieldContent.load(kind, content)
    # A photo is in the card; here its format and size do.
    return {"id": str(field_id), "kind": kind, "label": said.label, "value": said.text()}


def _group(session: Session, account_id: int, group: groups.GroupSummary, names: dict[int, str]) -> dict[str, Any]:
    granted = grants.granted(session, account_id, group.id)
    inside = groups.members(session, account_id, group.id)
    return {
        "name": group.name,
        "kind": group.kind,
        "members": _named(inside, names),
        "fields": [str(field_id) for field_id in sorted(granted)],
    }


def _belonging(found: members.Belonging) -> dict[str, Any]:
    return {
        "name": found.organisation.name,
        "asks_for": list(found.organisation.minimum),
        "invited_at": _time(found.invited_at),
        "joined_at": _time(found.joined_at) if found.joined_at is not None else None,
        "looks_after_it": found.is_administrator,
    }


def _named(account_ids: Collection[int], names: dict[int, str]) -> list[str]:
    return sorted(names.get(account_id, "") for account_id in account_ids)


def _time(moment: int) -> str:
    return datetime.fromtimestamp(moment, UTC).isoformat()
