"""No page tells anybody a value that was not granted to them: no person's, search, request, list or picture."""

from __future__ import annotations

import zlib

import pytest
from sqlalchemy import select

from sync.database.engine import Session
from sync.ends import setting
from sync.ends.targets import Target
from sync.ends.watch import Watch
from sync.fields import field_from_text
from sync.models import Account
from sync.profiles import profiles
from sync.sharing import connections, grants, groups
from sync.sharing.cards import content_of
from sync.sharing.visibility import STRANGER, STRANGERS, Composition, composition_of, fields_of, visible_fields
from tests.portal import walk
from tests.portal.conftest import Cast
from tests.support.clock import MINUTE, Clock
from tests.support.forms import Visitor, without_tokens
from tests.support.site import Site

#: What everybody here has besides, so that each of these texts stands in one field of one person alone.
KINDS = ("mobile", "email", "note", "hobby", "bank-account")


def secret(login: str, kind: str) -> str:
    """Return a value that nobody has by chance."""
    number = zlib.crc32(f"{login}/{kind}".encode()) % 10**9
    texts = {
        "mobile": f"+49 555 {number:09}",
        "email": f"{login}.{number}@secret.example",
        "bank-account": f"DE00 {number:09} {login}",
    }
    return texts.get(kind, f"{kind} {number} of {login}")


def hide(session: Session) -> None:
    """Give everybody one more field of each kind, which nobody may see, and a group that sees one of them."""
    for account_id, login in session.execute(select(Account.id, Account.login)).all():
        ids = [
            profiles.add_field(session, account_id, field_from_text(kind, secret(login, kind), "")) for kind in KINDS
        ]
        trusted = groups.create(session, account_id, "Trusted with one")
        grants.grant(session, account_id, trusted, ids[:1])


def hidden_from(session: Session, viewer_id: int) -> dict[str, str]:
    """Return every value of everybody else that a person may not see, with whose it is."""
    found: dict[str, str] = {}
    seen: set[str] = set()
    for account_id, login in session.execute(select(Account.id, Account.login)).all():
        composition = STRANGER
        if connections.is_connected(session, account_id, viewer_id):
            composition = composition_of(session, account_id, viewer_id)
        visible = {field.id for field in visible_fields(session, account_id, composition)}
        for field in fields_of(session, account_id):
            text = content_of(field).text()
            if field.id in visible or account_id == viewer_id:
                seen.add(text)
            elif field.kind != "photo" and len(text) > 5:
                found[text] = f"{login}'s {field.kind}"
    return {text: whose for text, whose in found.items() if text not in seen}


def spellings(text: str) -> set[str]:
    """Return how a page could write a value."""
    return {
        text,
        text.replace("@", "%40"),
        text.replace(" ", ""),
        text.replace(" ", "%20"),
        text.replace("+", "%2B"),
        text.replace("-", ""),
    }


@pytest.mark.parametrize("trusted", [False, True])
def test_no_page_tells_what_was_not_granted(cast_site: Site, cast: Cast, *, trusted: bool) -> None:
    cast_site.database.write(hide)
    anna = cast.ids[walk.WHO]
    if trusted:

        def trust(session: Session) -> None:
            for login in ("bo", "ivy"):
                trusted_with = groups.find(session, cast.ids[login], "Trusted with one").id
                groups.add_member(session, cast.ids[login], trusted_with, anna)

        cast_site.database.write(trust)
    pages = walk.addresses(cast_site, "GET", cast.ids)
    # People whom the walk brings in have their own to hide as well.
    with cast_site.database.reading() as session:
        hidden = hidden_from(session, anna)
    assert len(hidden) > 20
    assert (secret("bo", "mobile") in hidden) is not trusted
    visitor = Visitor(cast_site).signed_in(anna)
    told = []
    for endpoint, path in pages:
        if endpoint == "static":
            continue
        content = without_tokens(visitor.get(path).response.text)
        told += [
            f"{endpoint} ({path}): {whose}"
            for text, whose in hidden.items()
            if any(spelling in content for spelling in spellings(text))
        ]
    assert told == []
    if trusted:
        assert any(secret("bo", "mobile") in visitor.get(path).response.text for _, path in pages)


def lend(session: Session, at: int) -> None:
    """Let strangers see all that is hidden until a time."""
    for account_id, login in session.execute(select(Account.id, Account.login)).all():
        everybody = groups.find(session, account_id, STRANGERS).id
        values = {secret(login, kind) for kind in KINDS}
        lent = [each.id for each in fields_of(session, account_id) if content_of(each).text() in values]
        grants.grant(session, account_id, everybody, lent)
        for field_id in lent:
            setting.set_end(session, account_id, Target(group_id=everybody, field_id=field_id), at)


def test_no_page_tells_what_is_over(cast_site: Site, cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    """On the minute, where no worker runs; and each page has it done by itself what concerns it."""
    monkeypatch.setattr(Watch, "_help", lambda _: None)
    clock = Clock(monkeypatch)
    cast_site.database.write(hide)
    pages = walk.addresses(cast_site, "GET", cast.ids)
    with cast_site.database.reading() as session:
        hidden = hidden_from(session, cast.ids[walk.WHO])
    cast_site.database.write(lambda session: lend(session, clock.soon()))
    visitor, nobody = Visitor(cast_site).signed_in(cast.ids[walk.WHO]), Visitor(cast_site)
    for is_over in (False, True):
        clock.put(clock.now() + 5 * MINUTE * is_over)
        told = {
            f"{endpoint} ({path}): {whose}"
            for endpoint, path in pages
            for who in (visitor, nobody)
            for content in [without_tokens(who.get(path).response.text)]
            for text, whose in hidden.items()
            if any(spelling in content for spelling in spellings(text))
        }
        assert not told if is_over else len(told) > 20, told


def test_nobody_who_is_not_signed_in_is_told_anything_but_what_a_card_link_shows(cast_site: Site, cast: Cast) -> None:
    cast_site.database.write(hide)
    pages = walk.addresses(cast_site, "GET", cast.ids)
    owner = cast.ids[walk.WHO]
    with cast_site.database.reading() as session:
        family = Composition(frozenset({groups.find(session, owner, "family").id}), connected=False)
        linked = {content_of(field).text() for field in visible_fields(session, owner, family)}
        values = {
            content_of(field).text(): field.kind
            for account_id in cast.ids.values()
            for field in fields_of(session, account_id)
            if field.id not in {shown.id for shown in visible_fields(session, account_id, STRANGER)}
        }
    visitor = Visitor(cast_site)
    told = []
    for endpoint, path in pages:
        content = visitor.get(path).response.text
        found = {text for text in values if len(text) > 5 and text in content}
        told += [f"{endpoint}: {values[text]}" for text in found - (linked if "card_page" in endpoint else set[str]())]
    assert told == []
