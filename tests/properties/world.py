"""
A small world of people, on a server and beside it in the model: what happens to the one happens to the other.

Every answer of the server is searched for markers that whoever got it may not see in that moment.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Collection
from dataclasses import dataclass

import httpx

from sync import fields
from sync.accounts import registration
from sync.database.engine import Database
from sync.ends import setting
from sync.ends.targets import Target
from sync.profiles import profiles
from sync.revisions import address_books, fan_out
from sync.sharing import connections, grants, groups
from sync.sharing.visibility import fields_of
from sync.sign_in import credentials
from sync.vcard import parse_one
from tests.properties.model import CONNECTIONS, STRANGERS, Field, Group, Model, Person
from tests.support import dav
from tests.support.clock import Clock
from tests.support.factories import pending
from tests.support.kills import Kills
from tests.support.push_service import PushService

#: Kinds of fields: the vCard property that each becomes, and how its text holds the marker.
KINDS = {
    "name": ("FN", "Zhang {}"),
    "nickname": ("NICKNAME", "Sanzi{}"),
    "mobile": ("TEL", "{}"),
    "email": ("EMAIL", "m{}@example.com"),
    "qq": ("IMPP", "{}"),
    "school": ("X-ABRELATEDNAMES", "School {}"),
    "address": ("ADR", "{} Main Street, Springfield"),
    "organization": ("ORG", "ACME{}"),
    "url": ("URL", "https://example.com/{}"),
    # The marker is where the line is folded.
    "note": ("NOTE", "Met on a boat, which is where we talked; about this and about that {} and more"),
}
#: Kinds of which each property is a field of its own, whatever else is in the profile.
IMPORTED = ("nickname", "mobile", "email", "url", "note")


@dataclass(frozen=True)
class Service:
    """
    A server, and the database behind it.

    *deferred* tells that the server and *database* carry a change through the outbox when more than one person sees it.
    *clock* is that of the server and of the test. The worker runs in the test: it tells devices by *push*, and *kills*
    kill it.
    """

    database: Database
    connections: httpx.Client
    push: PushService
    kills: Kills
    clock: Clock
    deferred: bool = False


class Leak(AssertionError):
    """Somebody was sent what they may not see."""


def private_card(uid: str, marker: str) -> str:
    """Return the text of somebody's own contact."""
    return f"BEGIN:VCARD\r\nVERSION:3.0\r\nUID:{uid}\r\nFN:Plumber\r\nN:Plumber;;;;\r\nNOTE:{marker}\r\nEND:VCARD\r\n"


class World:
    """People on *service*. Methods that change something take logins and ids, and do it in both places."""

    def __init__(self, service: Service) -> None:
        """Begin with nobody."""
        self.service = service
        self.database = service.database
        self.model = Model()
        self.clients: dict[str, dav.Client] = {}
        self.texts: dict[str, dict[str, str]] = {}

    def person(self, login: str) -> Person:
        """Return somebody of the model."""
        return self.model.people[login]

    def register(self) -> str:
        """Register somebody with a random login."""
        login = f"p{secrets.token_hex(6)}"
        account_id = self.database.write(lambda session: registration.create(session, login))
        with self.database.reading() as session:
            strangers, connected = (
                Group(groups.find(session, account_id, kind).id, kind) for kind in (STRANGERS, CONNECTIONS)
            )
        self.model.people[login] = Person(login, account_id, strangers, connected)
        self.texts[login] = {}
        self.clients[login] = self.device(login)
        return login

    def device(self, login: str) -> dav.Client:
        """Add a device to somebody's."""
        account_id = self.person(login).id
        _, password = self.database.write(lambda session: credentials.add_device(session, account_id, "Phone"))
        return dav.Client(self.service.connections, login, password, notice=self.check, keep=False)

    def check(self, exchange: dav.Exchange) -> None:
        """Search an answer for what must not be in it."""
        text = exchange.text
        may_see = self.model.may_see(exchange.login)
        leaked = [marker for marker in self.model.minted if marker not in may_see and marker in text]
        if leaked:
            raise Leak(f"{leaked} sent to {exchange.login}: {exchange.method} {exchange.path}\n{text}")

    def add_field(self, owner: str, kind: str) -> None:
        """Add a field that nobody was granted."""
        person = self.person(owner)
        name, form = KINDS[kind]
        marker = self.model.mint(name)
        content = fields.field_from_text(kind, form.format(marker))
        field_id = self.database.write(lambda session: profiles.add_field(session, person.id, content))
        person.fields[field_id] = Field(field_id, kind, name, marker)

    def set_field(self, owner: str, field_id: int, *, same: bool = False) -> None:
        """Give a field a new value, or the *same* again."""
        person = self.person(owner)
        field = person.fields[field_id]
        marker = field.marker if same else self.model.mint(field.name)
        content = fields.field_from_text(field.kind, KINDS[field.kind][1].format(marker))
        self.database.write(lambda session: profiles.set_field(session, person.id, field_id, content))
        field.marker = marker

    def remove_field(self, owner: str, field_id: int) -> None:
        """Delete a field."""
        person = self.person(owner)
        self.database.write(lambda session: profiles.remove_field(session, person.id, field_id))
        self.model.remove_field(owner, field_id)

    def edit_own_card(self, owner: str, field_id: int, href: str, etag: str, text: str) -> None:
        """Change the value of a field over HTTP, in its line of the *text* of the owner's own entry."""
        field = self.person(owner).fields[field_id]
        before, after = field.marker, self.model.mint(field.name)
        # A second name is in a line of ours, where there is room for one.
        line = re.compile(rf"^((?:item\d+\.|X-EVERCARD-MORE-)?{field.name}[;:].*){before}", re.MULTILINE)
        changed, count = line.subn(rf"\g<1>{after}", dav.unfolded(text))
        assert count == 1
        field.marker = after
        self.clients[owner].put(href, changed, if_match=etag)

    def import_card(self, owner: str, added: Collection[str]) -> None:
        """Import a card that says what the profile says already, and has fields of the kinds *added* besides."""
        person = self.person(owner)
        new = [(kind, self.model.mint(KINDS[kind][0])) for kind in added]
        known = [(field.kind, field.marker) for field in person.fields.values() if field.kind in IMPORTED]
        self._import(owner, [*known, *new], replace=False)
        self._learn(owner, {marker: kind for kind, marker in new})

    def replace_card(self, owner: str, kept: Collection[int], added: Collection[str]) -> None:
        """Make a profile what a card says: fields *kept*, and others of the kinds *added*; the rest is gone."""
        person = self.person(owner)
        gone = {field_id: field for field_id, field in person.fields.items() if field_id not in kept}
        lost = {field.kind for field in gone.values()}
        # One of a kind that is lost would take over that field, with its grants.
        new = [(kind, self.model.mint(KINDS[kind][0])) for kind in added if kind not in lost]
        known = [(person.fields[field_id].kind, person.fields[field_id].marker) for field_id in kept]
        if not known and not new:
            return
        self._import(owner, [*known, *new], replace=True)
        for field_id in gone:
            self.model.remove_field(owner, field_id)
        self._learn(owner, {marker: kind for kind, marker in new})

    def create_group(self, owner: str, name: str) -> int:
        """Make a group."""
        person = self.person(owner)
        group_id = self.database.write(lambda session: groups.create(session, person.id, name))
        person.groups[group_id] = Group(group_id, name)
        return group_id

    def rename_group(self, owner: str, group_id: int, name: str) -> None:
        """Rename a group."""
        person = self.person(owner)
        self.database.write(lambda session: groups.rename(session, person.id, group_id, name))
        person.groups[group_id].name = name

    def delete_group(self, owner: str, group_id: int) -> None:
        """Delete a group with what it was granted."""
        person = self.person(owner)
        self.database.write(lambda session: groups.remove(session, person.id, group_id))
        del person.groups[group_id]
        self.model.forget_ends()

    def join(self, owner: str, group_id: int, viewer: str) -> None:
        """Put a viewer into a group of the owner's."""
        person, viewer_id = self.person(owner), self.person(viewer).id
        self.database.write(lambda session: groups.add_member(session, person.id, group_id, viewer_id))
        person.groups[group_id].members.add(viewer)

    def leave(self, owner: str, group_id: int, viewer: str) -> None:
        """Take a viewer out of a group of the owner's."""
        person, viewer_id = self.person(owner), self.person(viewer).id
        self.database.write(lambda session: groups.remove_member(session, person.id, group_id, viewer_id))
        person.groups[group_id].members.discard(viewer)

    def grant(self, owner: str, group: Group, field_ids: Collection[int], *, take: bool) -> None:
        """Grant fields to a group, or take them back."""
        person = self.person(owner)
        act = grants.take_back if take else grants.grant
        self.database.write(lambda session: act(session, person.id, group.id, field_ids))
        group.granted = group.granted - set(field_ids) if take else group.granted | set(field_ids)
        self.model.forget_ends()

    def make_exception(self, owner: str, viewer: str, field_id: int, allowed: bool | None) -> None:  # noqa: FBT001 - one of three
        """Allow one person a field, withhold it, or do neither any more."""
        person, viewer_id = self.person(owner), self.person(viewer).id
        self.database.write(
            lambda session: grants.except_person(session, person.id, viewer_id, [field_id], allowed=allowed)
        )
        person.exceptions.pop((viewer, field_id), None)
        if allowed is not None:
            person.exceptions[viewer, field_id] = allowed
        self.model.forget_ends()

    def set_end(self, owner: str, target: Target, seconds: int) -> None:
        """Let something of an owner's end in about so many seconds, which nobody else can know yet."""
        at = self.clock.soon(seconds)
        person = self.person(owner)
        self.database.write(lambda session: setting.set_end(session, person.id, target, at))
        self.model.ends[owner, target] = at

    def keep(self, owner: str, target: Target) -> None:
        """Let something go on that was to end."""
        person = self.person(owner)
        self.database.write(lambda session: setting.keep(session, person.id, target))
        del self.model.ends[owner, target]

    def move_clock(self, seconds: int) -> None:
        """Put the clock forward or back; what is over by it is gone, and stays so."""
        self.clock.put(self.clock.now() + seconds)
        self.model.end_by(self.clock.now())

    @property
    def clock(self) -> Clock:
        """The clock of the server and of the test."""
        return self.service.clock

    def connect(self, one: str, other: str) -> None:
        """Connect two people."""
        ids = self.person(one).id, self.person(other).id
        self.database.write(lambda session: connections.connect(session, *ids))
        self.model.connect(one, other)

    def disconnect(self, one: str, other: str) -> None:
        """Part two people."""
        ids = self.person(one).id, self.person(other).id
        self.database.write(lambda session: connections.disconnect(session, *ids))
        self.model.disconnect(one, other)

    def show(self, viewer: str, owner: str) -> None:
        """Bring back an entry that the viewer hid."""
        ids = self.person(viewer).id, self.person(owner).id
        self.database.write(lambda session: connections.show(session, *ids))
        self.model.hidden.discard((viewer, owner))

    def hide(self, viewer: str, owner: str, href: str, etag: str) -> None:
        """Delete the owner's entry on a device of the viewer's."""
        self.model.hidden.add((viewer, owner))
        try:
            self.clients[viewer].delete(href, if_match=etag)
        except dav.Failed:
            self.model.hidden.discard((viewer, owner))
            raise

    def put_private(self, viewer: str, name: str, etag: str = "") -> None:
        """Store a private entry over HTTP; *etag* is that of the one it replaces."""
        href = f"{self.clients[viewer].book}{name}.vcf"
        marker = self.model.mint("NOTE")
        text = private_card(f"{name}@{viewer}", marker)
        self.person(viewer).private[href] = Field(0, "note", "NOTE", marker)
        self.clients[viewer].put(href, text, if_match=etag, if_none_match="" if etag else "*")
        self.texts[viewer][href] = text

    def delete_private(self, viewer: str, href: str) -> None:
        """Delete a private entry over HTTP."""
        del self.person(viewer).private[href]
        del self.texts[viewer][href]
        self.clients[viewer].delete(href)

    def begin_new_epoch(self) -> None:
        """Do what a restored backup asks for."""
        self.database.write(address_books.begin_new_epoch)

    def work(self) -> None:
        """Work off the outbox."""
        fan_out.work(self.database)

    def is_settled(self) -> bool:
        """Whether everything has reached everybody."""
        return pending(self.database) == 0

    def _import(self, owner: str, said: Collection[tuple[str, str]], *, replace: bool) -> None:
        contents = [fields.field_from_text(kind, KINDS[kind][1].format(marker)) for kind, marker in said]
        body = fields.render(contents, "3.0", fallback_name="nobody")
        # What a card must have for a name, made of something else, would be a field of its own.
        made = ("N:",) if any(kind == "name" for kind, _ in said) else ("N:", "FN:")
        lines = [line for line in body.splitlines(keepends=True) if not line.startswith(made)]
        card = parse_one("BEGIN:VCARD\r\nVERSION:3.0\r\n" + "".join(lines))
        person = self.person(owner)
        self.database.write(lambda session: profiles.import_card(session, person.id, card, replace=replace))

    def _learn(self, owner: str, new: dict[str, str]) -> None:
        """Find out which ids the fields got that hold the *new* markers, whose kinds are given."""
        person = self.person(owner)
        with self.database.reading() as session:
            stored = {field.id: field.content for field in fields_of(session, person.id)}
        for marker, kind in new.items():
            found = [field_id for field_id, content in stored.items() if marker in content]
            assert len(found) == 1, f"{marker} is in {len(found)} fields"
            person.fields[found[0]] = Field(found[0], kind, KINDS[kind][0], marker)
        assert set(stored) == set(person.fields)
