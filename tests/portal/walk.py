"""
Every page of the portal, as the tests walk through them. A page whose address has parameters gets a line here.

`PARAMETERS` says, by endpoint, what the parameters of its address are for Anna, one of the demo's people, in the path
or in the query; several lines show it in several states. A GET that is no page, such as a download, is in `NO_PAGE`.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from typing import Any

from radicale_plugin.web.set_up import CLIENTS
from sync import meeting
from sync.accounts import one_time_tokens
from sync.books import doubts
from sync.calendars import feeds
from sync.card_links import links as card_links
from sync.card_links.link_secrets import LinkKeys
from sync.database.engine import Session
from sync.digests import choices
from sync.ends import setting
from sync.ends.targets import Target
from sync.household import offers, shares
from sync.household.pairs import Share
from sync.meeting import invitation_links
from sync.models import now
from sync.notify import suppression
from sync.organisations import members, organisations
from sync.revisions.shared_states import WRITER
from sync.shared_books import access, books, past, writes
from sync.sharing import grants, groups, history, phone_lists, visibility
from sync.sharing.visibility import GROUP
from sync.sign_in import credentials, sessions
from tests.portal import keepsakes, strangers
from tests.support.forms import ROOT, portal_of
from tests.support.site import Site

#: Called in a writing transaction, with the ids of the people by their logins.
Parameters = Callable[[Session, Mapping[str, int]], list[dict[str, Any]]]
WHO = "anna"
#: Kinds of fields that are added by forms of different shapes.
ADDED = ("mobile", "name-parts", "phonetic", "address", "organization", "birthday", "gender", "note")


def _ticket(purpose: str, **values: str) -> Parameters:
    def issue(session: Session, ids: Mapping[str, int]) -> list[dict[str, Any]]:
        return [{"token": one_time_tokens.issue(session, purpose, ids[WHO], values, lifetime=one_time_tokens.HOUR)}]

    return issue


def _fields(session: Session, ids: Mapping[str, int]) -> list[dict[str, Any]]:
    """One field of each kind."""
    by_kind = {field.kind: field.id for field in visibility.fields_of(session, ids[WHO])}
    return [{"field_id": field_id} for field_id in by_kind.values()]


def _states(session: Session, ids: Mapping[str, int]) -> list[dict[str, Any]]:
    """The newest state of the card, and the first."""
    versions = [state.version for state in history.states(session, ids[WHO])]
    return [{"version": versions[0]}, {"version": versions[-1]}]


def _stranger(*logins: str) -> Parameters:
    return lambda session, ids: [{"account_id": strangers.met(session, ids)[login]} for login in logins]


def _known(login: str) -> Parameters:
    return lambda _session, ids: [{"account_id": ids[login]}]


def _link(session: Session, ids: Mapping[str, int]) -> list[dict[str, Any]]:
    return [{"link_id": strangers.link_of(session, ids[WHO])}]


def _letter(session: Session, ids: Mapping[str, int]) -> list[dict[str, Any]]:
    hugo = strangers.met(session, ids)["hugo"]
    asked_at = next((each.asked_at for each in meeting.requests_of(session, ids[WHO]) if each.other_id == hugo), 0)
    values = {"other_id": hugo, "asked_at": asked_at}
    return [{"token": one_time_tokens.issue(session, "request", ids[WHO], values, lifetime=one_time_tokens.HOUR)}]


def _invitation(session: Session, ids: Mapping[str, int]) -> list[dict[str, Any]]:
    inviter_id, values = strangers.met(session, ids)["gerda"], {"channel": "email", "value": "anna@example.org"}
    return [{"token": one_time_tokens.issue(session, "invitation", inviter_id, values, lifetime=one_time_tokens.HOUR)}]


def _join(session: Session, ids: Mapping[str, int]) -> list[dict[str, Any]]:
    gerda = strangers.met(session, ids)["gerda"]
    return [{"token": invitation_links.token_for(session, gerda, strangers.link_of(session, gerda))}]


def _unsubscribe(session: Session, _ids: Mapping[str, int]) -> list[dict[str, Any]]:
    return [{"token": suppression.token_for(session, "email", "anna@example.org")}]


def _digest(session: Session, ids: Mapping[str, int]) -> list[dict[str, Any]]:
    return [{"token": choices.signer(session)(ids[WHO])}]


def _device(session: Session, ids: Mapping[str, int]) -> list[dict[str, Any]]:
    device_id, _password = credentials.add_device(session, ids[WHO], "Test")
    return [{"device_id": device_id}]


def _invited(session: Session, ids: Mapping[str, int]) -> list[dict[str, Any]]:
    """An organisation that asks for a number."""
    found = [each.organisation.id for each in members.belongings(session, ids[WHO]) if each.joined_at is None]
    if not found:
        found = [organisations.create(session, f"Chess Club {secrets.token_hex(4)}", ["mobile"])]
        members.invite(session, found[0], ids[WHO])
    return [{"organisation_id": found[0]}]


def _managed(session: Session, ids: Mapping[str, int]) -> list[dict[str, Any]]:
    """An organisation with a member, who is to be looked after."""
    found = [each.organisation.id for each in members.belongings(session, ids["emil"])]
    if not found:
        found = [organisations.create(session, f"Rowing Club {secrets.token_hex(4)}", ["mobile"])]
        members.invite(session, found[0], ids["bo"])
        members.invite(session, found[0], ids["emil"])
        mobiles = [each.id for each in visibility.fields_of(session, ids["emil"]) if each.kind == "mobile"]
        members.join(session, found[0], ids["emil"], mobiles)
    return [{"organisation_id": found[0]}]


def _together(session: Session, ids: Mapping[str, int]) -> list[dict[str, Any]]:
    """An organisation that she is a member of, and somebody to whom she is not connected."""
    jan = strangers.met(session, ids)["jan"]
    his = {each.id for each in members.joined(session, jan)}
    found = [each.id for each in members.joined(session, ids[WHO]) if each.id in his]
    if not found:
        found = [organisations.create(session, f"Film Club {secrets.token_hex(4)}")]
        for who in (ids[WHO], jan):
            members.invite(session, found[0], who)
            members.join(session, found[0], who)
    return [{"organisation_id": found[0]}]


def _fellow(session: Session, ids: Mapping[str, int]) -> list[dict[str, Any]]:
    return [{"account_id": strangers.met(session, ids)["jan"]} for _each in _together(session, ids)]


def _managed_member(session: Session, ids: Mapping[str, int]) -> list[dict[str, Any]]:
    return [{**_managed(session, ids)[0], "account_id": ids[login]} for login in ("emil", "bo")]


def _shared(session: Session, ids: Mapping[str, int], **more: Any) -> list[dict[str, Any]]:
    """A book that she writes, with a contact that was changed."""
    found = access.books_of(session, ids[WHO])
    if not found:
        club = organisations.create(session, f"Choir {secrets.token_hex(4)}")
        members.invite(session, club, ids[WHO])
        members.join(session, club, ids[WHO])
        book_id = books.create(session, club, "Customers", WRITER)
        for number in ("1", "2"):
            card = (
                f"BEGIN:VCARD\r\nVERSION:3.0\r\nUID:p\r\nFN:Plumber\r\nN:Plumber;;;;\r\nTEL:{number}\r\nEND:VCARD\r\n"
            )
            book = access.of_id(session, ids[WHO], book_id)
            writes.write(session, book, "p.vcf", card.encode(), lambda _etag: None)
        found = access.books_of(session, ids[WHO])
    return [{"book_id": found[0].id, **more}]


def _shared_contact(session: Session, ids: Mapping[str, int], **more: Any) -> list[dict[str, Any]]:
    (book,) = _shared(session, ids)
    last = past.changes(session, book["book_id"])[0]
    return [{**book, "entry_id": last.entry_id, **more}]


def _shared_past(session: Session, ids: Mapping[str, int]) -> list[dict[str, Any]]:
    (contact,) = _shared_contact(session, ids)
    kept = next(each for each in past.changes(session, contact["book_id"]) if each.is_kept)
    return [{**contact, "entry_id": kept.entry_id, "revision": kept.before}]


def _move(session: Session, ids: Mapping[str, int]) -> list[dict[str, Any]]:
    group = next(each.id for each in groups.groups_of(session, ids[WHO]) if each.kind == GROUP)
    phone_lists.propose(session, ids[WHO], 1, group, come=[ids["bo"]], go=[])
    person = next((each.person_id for each in phone_lists.proposals(session, ids[WHO])), ids["bo"])
    return [{"group_id": group, "person_id": person}]


def _version(session: Session, ids: Mapping[str, int]) -> list[dict[str, Any]]:
    """An earlier version of a contact of her own, and one of what she added to somebody's card."""
    keepsakes.made(session, ids)
    by_kind = {kind: (entry_id, revision) for entry_id, revision, kind in keepsakes.kept(session, ids[WHO])}
    return [{"entry_id": entry_id, "revision": revision} for entry_id, revision in by_kind.values()]


def _conflict(session: Session, ids: Mapping[str, int]) -> list[dict[str, Any]]:
    return [{"conflict_id": keepsakes.conflict(session, ids[WHO])}]


def _linked(name: str, *logins: str) -> Parameters:
    def parameters(session: Session, ids: Mapping[str, int]) -> list[dict[str, Any]]:
        entry_id = keepsakes.made(session, ids)[name]
        return [{"entry_id": entry_id, "account_id": ids[login]} for login in logins] or [{"entry_id": entry_id}]

    return parameters


def _pair(session: Session, ids: Mapping[str, int]) -> list[dict[str, Any]]:
    one, other = keepsakes.twins(session, ids)
    return [{"kept_id": one, "gone_id": other}]


def _merged(session: Session, ids: Mapping[str, int]) -> list[dict[str, Any]]:
    return [{"gone_id": keepsakes.merged(session, ids)}]


def _field_of_contact(session: Session, ids: Mapping[str, int]) -> list[dict[str, Any]]:
    return [{"entry_id": keepsakes.made(session, ids)[keepsakes.PAPA], "place": 2}]


def _contact(**values: str) -> Parameters:
    return lambda session, ids: [{"entry_id": keepsakes.made(session, ids)[keepsakes.PAPA], **values}]


def _group(session: Session, ids: Mapping[str, int]) -> list[dict[str, Any]]:
    return [{"group_id": groups.find(session, ids[WHO], "family").id}]


def _member(session: Session, ids: Mapping[str, int]) -> list[dict[str, Any]]:
    return [{**_group(session, ids)[0], "account_id": ids["bo"]}]


def _calendar(session: Session, ids: Mapping[str, int]) -> list[dict[str, Any]]:
    for feed in feeds.feeds(session, ids[WHO]):
        feeds.end(session, ids[WHO], feed.id)
    return [{"secret": feeds.create(session, ids[WHO], "phone", "en", with_private=True)[1]}]


def _card_link(session: Session, ids: Mapping[str, int]) -> list[dict[str, Any]]:
    """A card that her family sees, with a photo, for anybody."""
    there = card_links.links_of(session, ids[WHO])
    if there:
        return [{"link_id": there[0].id}]
    group_id = groups.find(session, ids[WHO], "family").id
    made = card_links.create(session, ids[WHO], group_id, label="door", until=now() + 90_000, utc_offset=480)
    return [{"link_id": made}]


def _card_page(session: Session, ids: Mapping[str, int]) -> list[dict[str, Any]]:
    (link,) = _card_link(session, ids)
    keys = LinkKeys.of(session)
    return [{"token": keys.token_for((ids[WHO], link["link_id"]))}]


def _calendars(session: Session, ids: Mapping[str, int]) -> list[dict[str, Any]]:
    _calendar(session, ids)
    return [{"feed_id": feed.id} for feed in feeds.feeds(session, ids[WHO])]


def _ending(session: Session, ids: Mapping[str, int]) -> list[dict[str, Any]]:
    """A group that ends, and a field of it that does so before."""
    group_id = groups.find(session, ids[WHO], "family").id
    first = min(grants.granted(session, ids[WHO], group_id))
    setting.set_end(session, ids[WHO], Target(group_id=group_id, field_id=first), now() + 1800, 480)
    setting.set_end(session, ids[WHO], Target(group_id=group_id), now() + 3600, 480)
    return [{"group": group_id}]


def _doubted(session: Session, ids: Mapping[str, int]) -> list[dict[str, Any]]:
    """A field that somebody says is not right any more."""
    field_id = doubts.held_fields(session, ids["bo"], ids[WHO])[0].id
    doubts.doubt(session, ids["bo"], ids[WHO], field_id)
    return [{"field_id": field_id}]


def _household(session: Session, ids: Mapping[str, int]) -> list[dict[str, Any]]:
    """Something of everything that can be said of a household."""
    if not shares.carried_by(session, ids[WHO]):
        mine = [each.id for each in shares.free_fields(session, ids[WHO])]
        theirs = [each.id for each in shares.free_fields(session, ids["bo"])]
        for field_id in mine[:2]:
            offers.offer(session, ids[WHO], field_id, ids["bo"])
        offers.decline(session, Share(ids[WHO], mine[0], ids["bo"]))
        for field_id in theirs[:2]:
            offers.offer(session, ids["bo"], field_id, ids[WHO])
        offers.accept(session, Share(ids["bo"], theirs[0], ids[WHO]))
    return [{}, {"person": ids["bo"]}]


PARAMETERS: dict[str, Parameters] = {
    "calendars.end": _calendars,
    "card_links.code": _card_link,
    "card_links.end": _card_link,
    "card_links.index": lambda session, ids: [{}] if _card_link(session, ids) else [],
    "card_links.one": _card_link,
    "card_page.download": _card_page,
    "card_page.photo": _card_page,
    "card_page.show": _card_page,
    "calendars.read": _calendar,
    "doubts.dismiss": _doubted,
    "doubts.index": lambda session, ids: [{} for _each in _doubted(session, ids)],
    "doubts.of": _known("bo"),
    "doubts.tell": _known("bo"),
    "ends.index": lambda session, ids: [{}, {"person": ids["bo"]}, *_ending(session, ids)],
    "household.index": _household,
    "activity.leave": _conflict,
    "administration.delete": _known("bo"),
    "administration.disable": _known("bo"),
    "administration.enable": _known("bo"),
    "administration.index": lambda _session, _ids: [{}, {"q": "an"}, {"q": "nobody", "state": "disabled"}],
    "administration.end_organisation": _managed,
    "administration.organisation": _managed,
    "administration.organisations_list": lambda session, ids: [{} for _each in _managed(session, ids)],
    "administration.person": lambda _session, ids: [{"account_id": ids[login]} for login in ("bo", "anna")],
    "administration.reset": _known("bo"),
    "activity.restore": _version,
    "activity.take": _conflict,
    "activity.disputed_picture": _conflict,
    "activity.past_picture": _version,
    "activity.version": _version,
    "groups.add": _group,
    "groups.delete": _group,
    "groups.one": _group,
    "groups.remove_member": _member,
    "groups.rename": _group,
    "people.block": _known("bo"),
    "people.disconnect": _known("bo"),
    "people.hide": _known("bo"),
    "people.index": lambda _session, _ids: [{}, {"q": "chen"}, {"q": "nobody at all"}],
    "people.make_one": _linked(keepsakes.PAPA, "bo"),
    "people.one": lambda _session, ids: [{"account_id": ids[login]} for login in ("bo", "chiara", "emil")],
    "people.photo": _known("bo"),
    "people.show": _known("bo"),
    "people.sort": _known("bo"),
    "people.take_apart": _linked(keepsakes.DAVE),
    "card.add": lambda _session, _ids: [{"kind": kind} for kind in ADDED],
    "card.edit": _fields,
    "card.move": lambda session, ids: _fields(session, ids)[:1],
    "card.remove": lambda session, ids: _fields(session, ids)[:1],
    "card.restore": _states,
    "card.state": _states,
    "contact_fields.add": lambda session, ids: [
        {"entry_id": keepsakes.made(session, ids)[keepsakes.PAPA], "kind": kind} for kind in ("mobile", "address")
    ],
    "contact_fields.edit": lambda session, ids: [*_contact()(session, ids), *_contact(open="2")(session, ids)],
    "contact_fields.remove": _field_of_contact,
    "contact_fields.save": _field_of_contact,
    "contact_photo.index": _contact(),
    "contacts.card": _linked(keepsakes.PAPA),
    "contacts.delete": _linked(keepsakes.PAPA),
    "contacts.index": lambda _session, _ids: [{}, {"q": "papa"}],
    "contacts.one": _linked(keepsakes.PAPA),
    "contacts.picture": _linked(keepsakes.PAPA),
    "duplicates.compare": _pair,
    "duplicates.keep_apart": _pair,
    "duplicates.merge": _pair,
    "duplicates.picture": _pair,
    "duplicates.undo": _merged,
    "people.keep_apart": _linked(keepsakes.PAPA, "bo"),
    "sharing.index": lambda _session, ids: [{}, {"who": f"person-{ids['bo']}"}],
    "sharing.person": lambda _session, ids: [{"viewer_id": ids["bo"]}],
    "sharing.save_person": lambda _session, ids: [{"viewer_id": ids["bo"]}],
    "account.end": lambda session, ids: [
        {"session_id": visit.id} for visit in sessions.sessions_of(session, ids[WHO])[:1]
    ],
    "notifications.off": lambda session, ids: [
        {"session_id": visit.id} for visit in sessions.sessions_of(session, ids[WHO])[:1]
    ],
    "devices.new": lambda _session, _ids: [{"key": client.key} for client in CLIENTS],
    "devices.revoke": _device,
    "devices.state": _device,
    "devices.wait": _device,
    "members.of": lambda session, ids: [*_together(session, ids), {**_together(session, ids)[0], "hidden": "yes"}],
    "members.one": _fellow,
    "members.picture": _fellow,
    "members.hide": _fellow,
    "members.show": _fellow,
    "memberships.join": _invited,
    "memberships.leave": _invited,
    "memberships.appoint": lambda session, ids: _managed_member(session, ids)[:1],
    "memberships.dismiss": lambda session, ids: _managed_member(session, ids)[:1],
    "memberships.invite": _managed,
    "memberships.news": lambda session, ids: _together(session, ids)[:1],
    "memberships.people": lambda session, ids: [
        {**each, **more} for each in _managed(session, ids) for more in ({}, {"state": "invited", "q": "b"})
    ],
    "memberships.person": _managed_member,
    "memberships.remove": lambda session, ids: _managed_member(session, ids)[1:],
    "shared_books.index": lambda session, ids: [{} for _each in _shared(session, ids)],
    "shared_books.one": lambda session, ids: [*_shared(session, ids), *_shared(session, ids, q="nobody at all")],
    "shared_books.new": _shared,
    "shared_books.contact": _shared_contact,
    "shared_books.delete": _shared_contact,
    "shared_books.show": _shared_contact,
    "shared_books.edit": _shared_contact,
    "shared_books.add": lambda session, ids: _shared_contact(session, ids, kind="mobile"),
    "shared_books.save": lambda session, ids: _shared_contact(session, ids, place=2),
    "shared_books.remove": lambda session, ids: _shared_contact(session, ids, place=2),
    "shared_books.device": _device,
    "shared_books.everything": _shared,
    "shared_books.history": _shared,
    "shared_books.photo": _shared_contact,
    "shared_books.picture": _shared_contact,
    "shared_books.past_picture": _shared_past,
    "shared_books.take_over": _shared,
    "shared_books.version": _shared_past,
    "shared_books.restore": _shared_past,
    "lists.accept": _move,
    "lists.device": _device,
    "lists.dismiss": _move,
    "find.answer": _stranger("gerda"),
    "find.ask": _stranger("gerda"),
    "find.connect": _stranger("kim"),
    "find.index": lambda _session, _ids: [{}, {"q": strangers.NAME}, {"q": "nobody at all"}],
    "find.public_photo": _stranger("hugo"),
    "password_reset.confirm": _ticket("confirm", email="anna@example.org"),
    "password_reset.reset": _ticket("reset"),
    "friends.introduce": _known("bo"),
    "friends.of": _known("ivy"),
    "friends.publish": _known("chiara"),
    "friends.unpublish": _known("bo"),
    "mail_links.digest": _digest,
    "locale.choose_in_form": lambda _session, _ids: [
        {"tag": "zh-Hans", "page": f"{ROOT}/contacts/new", "form": f"{ROOT}/contacts/new"}
    ],
    "mail_links.asked": _letter,
    "mail_links.invitation": _invitation,
    "mail_links.invitation_photo": _invitation,
    "mail_links.join": _join,
    "mail_links.join_photo": _join,
    "mail_links.public_photo": _letter,
    "mail_links.unsubscribe": _unsubscribe,
    "links.code": _link,
    "links.end": _link,
    "links.one": _link,
    "links.sheet": _link,
    "requests.allow": _stranger("mia"),
    "requests.block": _stranger("hugo"),
    "requests.confirm": _stranger("hugo", "nils"),
    "requests.decline": _stranger("hugo"),
    "requests.refuse": _stranger("hugo"),
    "requests.unblock": _stranger("lea"),
    "requests.withdraw": _stranger("jan"),
}
NO_PAGE = {
    *("card_links.code", "card_page.download", "card_page.photo"),
    *("calendars.read", "card.export", "contacts.card", "contacts.found", "devices.start", "devices.state"),
    *("find.public_photo", "home.manifest", "links.code", "live.look", "notifications.worker"),
    # They lead to the provider of an organisation and back, where there is one.
    *("organisation.back", "organisation.start"),
    # It is there where people sign in by a directory, and `test_ldap` looks at it.
    "account.link_directory",
    *("activity.disputed_picture", "activity.past_picture", "card.picture", "contacts.picture", "duplicates.picture"),
    *("members.picture", "shared_books.past_picture", "shared_books.picture"),
    *("people.photo", "sharing.card", "static"),
    *("mail_links.invitation_photo", "mail_links.join_photo", "mail_links.public_photo"),
}


def addresses(site: Site, method: str, ids: Mapping[str, int]) -> list[tuple[str, str]]:
    """Return the endpoint and the path below ``/.web`` of everything that takes *method*, in a stable order."""
    portal = portal_of(site)
    urls = portal.url_map.bind("evercard.test")
    found = []
    for rule in sorted(portal.url_map.iter_rules(), key=lambda rule: (rule.endpoint, rule.rule)):
        if method not in (rule.methods or set()) or rule.endpoint == "static":
            continue
        given: list[dict[str, Any]] = [{}]
        if rule.endpoint in PARAMETERS:
            given = site.database.write(lambda session, name=rule.endpoint: PARAMETERS[name](session, ids))  # type: ignore[misc]
        elif rule.arguments:
            raise AssertionError(f"{rule.endpoint} has parameters: tell them in PARAMETERS of tests/portal/walk.py")
        assert given, f"{rule.endpoint} is visited nowhere"
        found += [(rule.endpoint, urls.build(rule.endpoint, values, method=method)) for values in given]
    return found
