"""Organisations: what devices have of their members, and that nobody has more."""

from __future__ import annotations

from io import BytesIO
from zipfile import ZipFile

import pytest
from lxml import etree

from sync import verification
from sync.accounts import registration
from sync.ends import setting
from sync.ends.targets import Target
from sync.ends.watch import Watch
from sync.export import exporting
from sync.meeting import blocks
from sync.organisations import members, organisations, roster_tombstones
from sync.sharing import connections
from sync.sign_in import deletion
from tests.support import clubs, dav, factories
from tests.support.clock import Clock
from tests.support.clubs import Club, Somebody, number_of, somebody
from tests.support.site import Site

STYLES: tuple[dav.Style, ...] = ("data", "multiget", "listing")


class Scene:
    """Anna, bert and carl, of whom the first two are members; dora is in no organisation."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.anna, self.bert, self.carl, self.dora = (somebody(site, name) for name in ("anna", "bert", "carl", "dora"))
        self.club: Club = clubs.found(site.database)
        self.club.join(self.anna.id, [self.anna.name, self.anna.mobile])
        self.club.join(self.bert.id, [self.bert.name])


@pytest.fixture
def scene(site: Site) -> Scene:
    return Scene(site)


def people(who: Somebody) -> set[str]:
    """Return whom a device has, which a listing must know as well."""
    found = set(who.sync())
    replica = who.replicas["data"]
    assert replica.client.listing() == {href: card.etag for href, card in replica.cards.items()}
    return found


def test_members_have_what_the_others_let_the_organisation_see(scene: Scene) -> None:
    for style in STYLES:
        cards = scene.bert.sync(style)
        assert set(cards) == {"Anna"}
        assert number_of("anna") in (cards["Anna"].text or "").replace("\r\n ", "")
        cards = scene.anna.sync(style)
        assert set(cards) == {"Bert"}
        assert number_of("bert") not in (cards["Bert"].text or "")
    assert people(scene.carl) == people(scene.dora) == set()


def test_joining_leaving_and_grants_reach_devices_by_token(scene: Scene) -> None:
    people(scene.anna), people(scene.carl)
    scene.club.join(scene.carl.id, [scene.carl.name])
    assert people(scene.anna) == {"Bert", "Carl"}
    assert people(scene.carl) == {"Anna", "Bert"}
    scene.club.grant(scene.carl.id, scene.carl.mobile)
    assert number_of("carl") in (scene.anna.sync()["Carl"].text or "")
    scene.club.take_back(scene.carl.id, scene.carl.mobile)
    assert number_of("carl") not in (scene.anna.sync()["Carl"].text or "")
    scene.club.leave(scene.carl.id)
    assert people(scene.anna) == {"Bert"}
    assert people(scene.carl) == set()
    scene.club.join(scene.carl.id, [scene.carl.name])
    assert people(scene.anna) == {"Bert", "Carl"}
    assert people(scene.carl) == {"Anna", "Bert"}


def test_who_left_is_forgotten_when_there_are_many_and_no_device_keeps_them(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A device that was not told of all lists anew; one that was is not even asked to."""
    database, emma = scene.site.database, somebody(scene.site, "emma")
    for each in (scene.carl, emma):
        scene.club.join(each.id, [each.name])
    assert people(scene.anna) == {"Bert", "Carl", "Emma"}
    assert people(scene.bert) == {"Anna", "Carl", "Emma"}
    scene.club.leave(scene.carl.id)
    database.write(lambda session: registration.set_disabled(session, emma.id, disabled=True))
    assert people(scene.anna) == {"Bert"}
    known = scene.anna.replicas["data"].token
    assert roster_tombstones.let_go(database) == 0
    monkeypatch.setattr(roster_tombstones, "MOST", 0)
    assert roster_tombstones.let_go(database) == 1
    assert roster_tombstones.let_go(database) == 0
    assert people(scene.bert) == {"Anna"}
    assert people(scene.anna) == {"Bert"}
    assert scene.anna.replicas["data"].token == known
    database.write(lambda session: registration.set_disabled(session, emma.id, disabled=False))
    scene.club.join(scene.carl.id, [scene.carl.name])
    assert people(scene.anna) == {"Bert", "Carl", "Emma"}
    with database.reading() as session:
        assert [str(each) for each in verification.findings(session)] == []


def test_what_ends_is_gone_from_the_members_on_the_minute_without_a_worker(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Watch, "_help", lambda _: None)
    clock, anna = Clock(monkeypatch), scene.anna
    target, at = Target(group_id=scene.club.group_of(anna.id), field_id=anna.mobile), clock.soon()
    scene.site.database.write(lambda session: setting.set_end(session, anna.id, target, at))
    before = scene.bert.sync()["Anna"].text or ""
    assert number_of("anna") in before
    clock.put(at)
    assert number_of("anna") not in (scene.bert.sync()["Anna"].text or "")
    assert number_of("anna") not in (scene.bert.device().get(scene.bert.href_of("anna")).text or "")


def test_the_pair_counts_before_the_organisation(scene: Scene) -> None:
    database, anna, bert = scene.site.database, scene.anna, scene.bert
    people(anna)
    href = anna.href_of("bert")
    database.write(lambda session: connections.connect(session, anna.id, bert.id))
    assert people(anna) == {"bert"}
    assert href in anna.replicas["data"].cards
    database.write(lambda session: connections.disconnect(session, anna.id, bert.id))
    assert people(anna) == {"Bert"}
    assert href in anna.replicas["data"].cards


def test_what_somebody_adds_to_a_member_stays_theirs_under_the_same_name(scene: Scene) -> None:
    scene.club.join(scene.carl.id, [scene.carl.name])
    anna, device = scene.anna, scene.anna.device()
    people(anna)
    href = anna.href_of("bert")
    before = device.get(href)
    text = (before.text or "").replace("END:VCARD", "NOTE:plays the Dragon\r\nTEL:+49 30 9999\r\nEND:VCARD")
    assert device.put(href, text, if_match=before.etag) == ""
    after = device.get(href)
    assert after.etag != before.etag
    assert "NOTE:plays the Dragon" in (after.text or "")
    assert people(anna) == {"Bert", "Carl"}
    assert "Dragon" in (anna.sync()["Bert"].text or "")
    assert "Dragon" not in (scene.carl.sync()["Bert"].text or "")
    assert "Dragon" not in (scene.bert.device().get(own(scene.bert)).text or "")
    scene.club.grant(scene.bert.id, scene.bert.mobile)
    changed = anna.sync()["Bert"].text or ""
    assert "Dragon" in changed
    assert number_of("bert") in changed
    scene.club.leave(scene.bert.id)
    assert people(anna) == {"Carl"}
    scene.club.join(scene.bert.id, [scene.bert.name])
    assert "Dragon" in (anna.sync()["Bert"].text or "")
    assert anna.href_of("bert") == href


def own(who: Somebody) -> str:
    """Return where a person's own card is."""
    return f"/{who.login}/contacts/{factories.href_of(who.site.database, who.id, who.id)}"


def test_a_state_that_is_gone_is_not_written_over(scene: Scene) -> None:
    device = scene.anna.device()
    (href,) = [href for href in device.listing() if href != own(scene.anna)]
    before = device.get(href)
    scene.club.grant(scene.bert.id, scene.bert.mobile)
    changed = (before.text or "").replace("END:VCARD", "NOTE:x\r\nEND:VCARD")
    for attempt in (
        lambda: device.put(href, changed, if_match=before.etag),
        lambda: device.put(href, changed, if_none_match="*"),
        lambda: device.delete(href, if_match=before.etag),
    ):
        with pytest.raises(dav.Failed) as refused:
            attempt()
        assert refused.value.status == 412
    assert number_of("bert") in (device.get(href).text or "")


def test_a_member_can_be_taken_off_the_devices_and_comes_back_by_being_put_back(scene: Scene) -> None:
    anna, device = scene.anna, scene.anna.device()
    people(anna)
    href = anna.href_of("bert")
    before = device.get(href)
    device.delete(href)
    assert people(anna) == set()
    assert people(scene.bert) == {"Anna"}
    scene.club.grant(scene.bert.id, scene.bert.mobile)
    assert people(anna) == set()
    device.put(f"{device.book}again.vcf", before.text or "", if_none_match="*")
    assert people(anna) == {"Bert"}
    assert href in anna.replicas["data"].cards
    assert f"{device.book}again.vcf" not in anna.replicas["data"].cards
    with pytest.raises(dav.Failed) as refused:
        device.put(f"{device.book}once-more.vcf", before.text or "", if_none_match="*")
    assert refused.value.condition == f"{{{dav.CARD}}}no-uid-conflict"


def test_a_block_keeps_two_people_apart_in_their_organisation(scene: Scene) -> None:
    database, anna, bert = scene.site.database, scene.anna, scene.bert
    scene.club.join(scene.carl.id, [scene.carl.name])
    everybody = (anna, bert, scene.carl)
    assert [people(each) for each in everybody] == [{"Bert", "Carl"}, {"Anna", "Carl"}, {"Anna", "Bert"}]
    href = bert.href_of("anna")
    database.write(lambda session: blocks.block(session, anna.id, bert.id))
    assert [people(each) for each in everybody] == [{"Carl"}, {"Carl"}, {"Anna", "Bert"}]
    assert bert.device().request("GET", href).status == 404
    scene.club.grant(anna.id, anna.mobile)
    assert people(bert) == {"Carl"}
    database.write(lambda session: blocks.block(session, bert.id, anna.id))
    database.write(lambda session: blocks.unblock(session, anna.id, bert.id))
    assert people(anna) == people(bert) == {"Carl"}
    database.write(lambda session: blocks.unblock(session, bert.id, anna.id))
    assert [people(each) for each in everybody] == [{"Bert", "Carl"}, {"Anna", "Carl"}, {"Anna", "Bert"}]
    assert bert.href_of("anna") == href


def test_a_block_from_before_joining_counts(scene: Scene) -> None:
    scene.site.database.write(lambda session: blocks.block(session, scene.carl.id, scene.bert.id))
    people(scene.bert)
    scene.club.join(scene.carl.id, [scene.carl.name])
    assert people(scene.bert) == {"Anna"}
    assert people(scene.carl) == {"Anna"}
    assert people(scene.anna) == {"Bert", "Carl"}


def test_whoever_is_disabled_or_deleted_is_gone_from_the_books_of_all(scene: Scene) -> None:
    database, anna, bert = scene.site.database, scene.anna, scene.bert
    assert people(anna) == {"Bert"}
    database.write(lambda session: registration.set_disabled(session, bert.id, disabled=True))
    assert people(anna) == set()
    database.write(lambda session: registration.set_disabled(session, bert.id, disabled=False))
    assert people(anna) == {"Bert"}
    deletion.leave(database, bert.id)
    assert people(anna) == set()
    with database.reading() as session:
        assert [str(each) for each in verification.findings(session)] == []


def test_a_deleted_organisation_shows_nobody_from_that_moment_on(scene: Scene) -> None:
    database = scene.site.database
    assert people(scene.anna) == {"Bert"}
    database.write(lambda session: organisations.remove(session, scene.club.id))
    assert people(scene.anna) == people(scene.bert) == set()
    assert members.tidy(database) == 2
    assert people(scene.anna) == people(scene.bert) == set()
    with database.reading() as session:
        assert organisations.everything(session) == []
        assert [str(each) for each in verification.findings(session)] == []


def test_a_limited_report_tells_a_roster_in_parts(scene: Scene) -> None:
    for name in ("emil", "fritz", "gerd", "hans"):
        other = somebody(scene.site, name)
        scene.club.join(other.id, [other.name])
    device, found, token = scene.anna.device(), set[str](), ""
    for _ in range(9):
        answer = report(device, token, 2)
        found |= set(answer.changed)
        token = answer.token
        if len(answer.changed) < 2:
            break
    assert found == set(device.listing())
    assert token == device.book_token()


def report(device: dav.Client, token: str, limit: int) -> dav.Changes:
    """Ask what changed, a few at a time."""
    body = (
        '<D:sync-collection xmlns:D="DAV:"><D:sync-token>' + token + "</D:sync-token><D:sync-level>1</D:sync-level>"
        f"<D:limit><D:nresults>{limit}</D:nresults></D:limit><D:prop><D:getetag/></D:prop></D:sync-collection>"
    )
    answer = device.request("REPORT", device.book, body, {"Depth": "0", "Content-Type": "application/xml"})
    assert answer.status == 207, answer.body
    root = etree.fromstring(answer.body)
    responses = root.findall("{DAV:}response")
    hrefs = [each.findtext("{DAV:}href") or "" for each in responses if each.find("{DAV:}propstat") is not None]
    return dav.Changes(root.findtext("{DAV:}sync-token") or "", dict.fromkeys(hrefs, dav.Card("")), frozenset())


def test_members_are_found_by_what_the_organisation_sees_of_them(scene: Scene) -> None:
    device = scene.anna.device()
    (href,) = [href for href in device.listing() if href != own(scene.anna)]
    assert set(device.query("FN", "Bert")) == {href}
    assert device.query("TEL", number_of("bert")[-6:]) == {}
    scene.club.grant(scene.bert.id, scene.bert.mobile)
    assert set(device.query("TEL", number_of("bert")[-6:])) == {href}


def test_nobody_else_opens_a_members_entry_and_two_members_cannot_compare_theirs(scene: Scene) -> None:
    scene.club.join(scene.carl.id, [scene.carl.name])
    people(scene.anna), people(scene.carl)
    names = [who.href_of("bert").rpartition("/")[2] for who in (scene.anna, scene.carl)]
    assert names[0] != names[1]
    uids = [line for who in (scene.anna, scene.carl) for line in uid_lines(who.replicas["data"])]
    assert len(set(uids)) == len(uids)
    for who in (scene.carl, scene.dora):
        device = who.device()
        assert device.request("GET", f"{device.book}{names[0]}").status == 404
        assert device.multiget([f"{device.book}{names[0]}"]) == {f"{device.book}{names[0]}": None}
        assert device.request("GET", scene.anna.href_of("bert")).status in (403, 404)


def uid_lines(replica: dav.Replica) -> list[str]:
    """Return the lines of cards that name a UID."""
    return [line for card in replica.cards.values() for line in (card.text or "").splitlines() if line[:4] == "UID:"]


def test_a_member_of_one_organisation_sees_nothing_of_another(scene: Scene) -> None:
    company = clubs.found(scene.site.database, "Company")
    company.join(scene.bert.id, [scene.bert.mobile])
    company.join(scene.dora.id, [scene.dora.name])
    assert people(scene.dora) == {"bert"}
    assert people(scene.bert) == {"Anna", "Dora"}
    assert people(scene.anna) == {"Bert"}
    for who, hidden in ((scene.anna, number_of("bert")), (scene.dora, "Bert")):
        assert hidden not in "".join(card.text or "" for card in who.sync().values())
    company.leave(scene.dora.id)
    assert people(scene.dora) == set()
    assert people(scene.anna) == {"Bert"}


def test_an_export_has_the_members_as_the_devices_have_them(scene: Scene) -> None:
    cards = scene.anna.sync()
    with scene.site.database.reading() as session, ZipFile(BytesIO(exporting.export(session, scene.anna.id))) as files:
        texts = [files.read(name).decode() for name in files.namelist() if name.startswith("address books/")]
    assert cards["Bert"].text in texts


@pytest.mark.parametrize("who", ["the member", "oneself"])
def test_the_name_of_somebody_who_left_is_nobody_elses(scene: Scene, who: str) -> None:
    anna, device = scene.anna, scene.anna.device()
    people(anna)
    href = anna.href_of("bert")
    text = device.get(href).text or ""
    gone = scene.bert if who == "the member" else anna
    scene.club.leave(gone.id)
    for name in (href, f"{device.book}other.vcf"):
        with pytest.raises(dav.Failed) as refused:
            device.put(name, text)
        assert refused.value.status == 403
    assert people(anna) == set()
    scene.club.join(gone.id, [gone.name])
    assert people(anna) == {"Bert"}
    assert href in anna.replicas["data"].cards
