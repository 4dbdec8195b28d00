"""By every door a card comes with its picture, octet for octet as if it were kept whole; by none comes another's."""

from __future__ import annotations

import base64
import hashlib

import pytest

from sync import verification
from sync.books import held_cards, served
from sync.card_links.opening import LinkGate
from sync.database.engine import Database
from sync.export import exporting
from sync.fields import FieldContent, media
from sync.models import now
from sync.profiles import edits, first_photo, profiles
from sync.queries import previews
from sync.sharing import grants, history, visibility
from tests.dav.asking import multiget_body, propfind, query_body, report, since
from tests.support import clubs, factories, kept_whole, people
from tests.support.card_links import made, shown
from tests.support.clock import DAY
from tests.support.people import Person
from tests.support.pictures import portrait
from tests.support.site import Answer, Site

BENS, DORAS, ANNAS = (portrait(number) for number in (1, 2, 3))
BOOK = "/anna/contacts/"
VERSIONS = ("", ' content-type="text/vcard" version="3.0"', ' content-type="text/vcard" version="4.0"')
AGENTS = ("", "Mozilla/5.0 (X11; Linux x86_64; rv:153.0) Gecko/20100101 Thunderbird/153.0")


def encoded(picture: bytes) -> str:
    """Return what a card says of a picture."""
    return base64.b64encode(picture).decode()


def verified(database: Database) -> list[str]:
    """Return what verification finds."""
    with database.reading() as session:
        return [str(each) for each in verification.findings(session)]


def unfolded(octets: bytes) -> str:
    """Return what an answer says, without folds, in XML or out of it."""
    return octets.decode().replace("\r\n ", "").replace("&#13;\n ", "").replace("\n ", "")


class Stage:
    """Anna, who sees Ben's picture, and Dora's as a member of a club; Ben has a card link; Anna has a contact."""

    def __init__(self, site: Site) -> None:
        self.site, self.database = site, site.database
        self.anna, self.ben, self.dora = (people.register(site.database, name) for name in ("anna", "ben", "dora"))
        factories.connect(self.database, self.anna.id, self.ben.id)
        for person, picture in ((self.ben, BENS), (self.dora, DORAS), (self.anna, ANNAS)):
            field = FieldContent("photo", "3.0", (media.photo(picture, "3.0"),))
            self._show(person, field)
        self.photo = self.photo_of(self.ben)
        club = clubs.found(self.database)
        club.join(self.anna.id)
        club.join(self.dora.id, [self.photo_of(self.dora)])
        self.family = factories.group(self.database, self.ben.id, "family", [], [self.photo])
        self.link = made(self.database, self.ben.id, self.family)
        factories.put(self.database, self.anna.id, "one.vcf", factories.vcard("one", f"PHOTO:{encoded(ANNAS)}"))
        self.entry = BOOK + factories.href_of(self.database, self.anna.id, self.ben.id)
        self.own = BOOK + factories.href_of(self.database, self.anna.id, self.anna.id)

    def _show(self, person: Person, photo: FieldContent) -> None:
        self.database.write(lambda session: first_photo.add(session, person.id, photo))

    def photo_of(self, person: Person) -> int:
        """Return the field of somebody's photo."""
        with self.database.reading() as session:
            found = visibility.fields_of(session, person.id)
        return next(each.id for each in found if each.kind == "photo")

    @property
    def hrefs(self) -> list[str]:
        """Where all of Anna's cards are."""
        listed = propfind(self.site, BOOK, "<D:getetag/>", depth="1", person=self.anna).xml
        return [href.text or "" for href in listed.iter("{DAV:}href") if (href.text or "").endswith(".vcf")]


@pytest.fixture
def stage(site: Site) -> Stage:
    """Set the stage."""
    return Stage(site)


def said(answer: Answer) -> tuple[object, ...]:
    """Return all that an answer says but when."""
    headers = sorted((name, value) for name, value in answer.headers if name not in ("Date", "X-Request-Id"))
    return answer.status, answer.reason, headers, answer.body


def asked(stage: Stage, person: Person, hrefs: list[str]) -> dict[str, tuple[object, ...]]:
    """Return what devices of somebody are answered who ask for all of these cards by every door."""
    site, book, found = stage.site, f"/{person.login}/contacts/", dict[str, Answer]()
    for agent in AGENTS:
        for method in ("GET", "HEAD"):
            for href in hrefs:
                found[f"{method} {href} {agent}"] = site.call(
                    method, href, headers={"User-Agent": agent}, person=person
                )
    for version in VERSIONS:
        data = f"<D:getetag/><D:getcontentlength/><C:address-data{version}/>"
        found[f"multiget {version}"] = report(site, person, multiget_body(hrefs, data), path=book)
        found[f"sync {version}"] = since(site, person, names=data)
        for picture in (BENS, DORAS, ANNAS):
            text = f'<C:text-match match-type="contains">{encoded(picture)[3_000:3_040]}</C:text-match>'
            body = query_body(f'<C:prop-filter name="PHOTO">{text}</C:prop-filter>', data)
            found[f"query {version} {encoded(picture)[:99]}"] = report(site, person, body, depth="1", path=book)
    names = "<D:getetag/><D:getcontentlength/><D:getcontenttype/><D:getlastmodified/>"
    found["listing"] = propfind(site, book, names, depth="1", person=person)
    return {door: said(answer) for door, answer in found.items()}


def taken(stage: Stage) -> dict[str, object]:
    """Return what is handed out elsewhere: in the portal, by a link, in files, on the command line."""
    database, anna, ben = stage.database, stage.anna.id, stage.ben.id
    found: dict[str, object] = {}
    gate = LinkGate(database)
    for version in ("3.0", "4.0", served.THUNDERBIRD):
        found[f"link {version}"] = shown(gate, stage.link, version)
    with database.reading() as session:
        found["file of all contacts"] = exporting.contacts(session, anna)
        found["picture in the portal"] = held_cards.photo(session, anna, ben)
        found["card in the portal"] = held_cards.of(session, anna, ben)
        found["in a list"] = held_cards.listed(session, anna, [ben])
        for version in ("3.0", "4.0"):
            found[f"preview {version}"] = previews.for_person(session, ben, anna, version)
            found[f"own card {version}"] = profiles.export(session, ben, version)
        found["history"] = history.fields_at(session, ben, edits.latest(session, ben))
        found["edits"] = edits.edits_of(session, ben)
    return found


def test_by_every_door_comes_what_came_when_cards_were_kept_whole(stage: Stage) -> None:
    hrefs = stage.hrefs
    assert len(hrefs) == 4
    before = (asked(stage, stage.anna, hrefs), taken(stage))
    assert all(len(kept_whole.kept(stage.database, each.id)) == 1 for each in (stage.anna, stage.ben, stage.dora))
    kept_whole.make_whole(stage.database, now() + DAY)
    assert (asked(stage, stage.anna, hrefs), taken(stage)) == before
    for door, answer in before[0].items():
        body = unfolded(answer[-1]) if isinstance(answer[-1], bytes) else ""
        if door.startswith(("multiget", "sync")):
            assert all(encoded(picture) in body for picture in (BENS, DORAS, ANNAS)), door
        if door.startswith("query"):
            assert door.split()[-1] in body
    assert all(encoded(BENS) in unfolded(str(text).encode()) for door, text in before[1].items() if "link" in door)


#: What a client might send that knows, or guesses, how pictures are kept: ``%`` stands for the name of one.
CLAIMS = (
    "PHOTO:%",
    "PHOTO;VALUE=uri:sha256:%",
    "PHOTO;ENCODING=b;TYPE=JPEG:",
    "X-PICTURE;X-AT-3=0;X-AT-4=0:%",
    'NOTE:{"picture":"%"\\,"at":0}',
    "NOTE:" + "A" * 900 + "%",
    "X-EVERCARD-PICTURE;AT=1:%",
)


def test_nobody_gets_a_picture_by_its_name(stage: Stage) -> None:
    """Not of somebody unknown, nor one that was taken back, by any card that a device may store."""
    name, part = hashlib.sha256(BENS).hexdigest(), encoded(BENS)[3_100:3_200]
    group = factories.everybody_connected(stage.database, stage.ben.id)
    stage.database.write(lambda session: grants.take_back(session, stage.ben.id, group, [stage.photo]))
    for person, others in ((stage.dora, []), (stage.anna, [stage.entry])):
        book = f"/{person.login}/contacts/"
        own = book + factories.href_of(stage.database, person.id, person.id)
        for number, claim in enumerate(CLAIMS):
            new = f"{book}{number}.vcf"
            for path in (new, own, *others):
                text = stage.site.call("GET", path, person=person).body.decode()
                card = factories.vcard(f"n{number}").decode() if path == new else text
                sent = card.replace("END:VCARD", f"{claim.replace('%', name)}\r\nEND:VCARD")
                answer = stage.site.call("PUT", path, sent, {"Content-Type": "text/vcard"}, person=person)
                assert answer.status < 500
                assert part not in unfolded(stage.site.call("GET", path, person=person).body)
        listed = propfind(stage.site, book, "<D:getetag/>", depth="1", person=person).xml
        hrefs = [href.text or "" for href in listed.iter("{DAV:}href") if (href.text or "").endswith(".vcf")]
        assert len(hrefs) > len(CLAIMS) // 2
        for door, (*_, body) in asked(stage, person, hrefs).items():
            assert isinstance(body, bytes)
            assert part not in unfolded(body), door
    assert verified(stage.database) == []
