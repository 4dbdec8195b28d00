"""A device that stores a card without having seen the last change undoes nothing of it, and the loser is told."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest

from sync.books import edit_conflicts
from sync.database.engine import Database
from sync.disclosure import profile_thinning
from sync.errors import Conflict, NotFound
from sync.profiles import profiles
from sync.revisions import versions
from sync.settings import Limits, Settings
from sync.sign_in import credentials
from sync.vcard import parse_one
from tests.dav.asking import DATA, multiget_body, put, report, since, texts
from tests.support import factories
from tests.support.people import Person, register
from tests.support.site import ON_SQLITE, Site

pytestmark = ON_SQLITE
BOOK = "/anna/contacts/"
BOTH = ("private", "self", "connection")


def with_device(site: Site, person: Person) -> Person:
    """Return another device of a person."""
    _, password = site.database.write(lambda session: credentials.add_device(session, person.id, "Mail"))
    return replace(person, password=password)


def get(site: Site, person: Person, path: str) -> str:
    return site.call("GET", path, person=person).body.decode()


def with_line(text: str, line: str) -> str:
    return text.replace("END:VCARD", f"{line}\r\nEND:VCARD")


@pytest.fixture
def anna(site: Site) -> Person:
    """Anna, as her phone."""
    return register(site.database, "anna")


@pytest.fixture(params=BOTH)
def path(site: Site, anna: Person, request: pytest.FixtureRequest) -> str:
    """An entry of each kind that says a number and has an own one added."""
    if request.param == "private":
        put(site, anna, BOOK + "one.vcf", factories.vcard("one", "EMAIL:a@example.org"))
        return BOOK + "one.vcf"
    other = register(site.database, "bert")
    factories.connect(site.database, anna.id, other.id)
    owner = anna.id if request.param == "self" else other.id
    # A card without a name is called by its address.
    factories.field(site.database, owner, "name", "Somebody")
    href = BOOK + factories.href_of(site.database, anna.id, owner)
    put(site, anna, href, with_line(get(site, anna, href), "EMAIL:a@example.org"))
    return href


def emails(text: str) -> list[str]:
    return [item.value for item in parse_one(text).all("EMAIL")]


def test_what_a_program_did_not_touch_stays_for_all_who_see_it(site: Site, anna: Person) -> None:
    """Thunderbird, not synchronized, adds a note: the number that was changed on the phone stays, with its grants."""
    bert = register(site.database, "bert")
    factories.connect(site.database, anna.id, bert.id)
    phone = factories.field(site.database, anna.id, "mobile", "+49 30 1112221")
    factories.group(site.database, anna.id, "Friends", [bert.id], [phone])
    mail = with_device(site, anna)
    own = BOOK + factories.href_of(site.database, anna.id, anna.id)
    stale = texts(since(site, mail, names=DATA))[own]
    assert put(site, anna, own, get(site, anna, own).replace("+49 30 1112221", "+49 30 3334443")).status == 204
    answer = put(site, mail, own, with_line(stale, "NOTE:of the other program"))
    assert (answer.status, answer.header("ETag")) == (204, "")
    for text in (get(site, mail, own), texts(report(site, mail, multiget_body([own])))[own]):
        assert ("+49 30 3334443" in text, "+49 30 1112221" in text, "of the other program" in text) == (
            True,
            False,
            True,
        )
    assert "+49 30 3334443" in "".join(entry.text for entry in factories.contents(site.database, bert.id))
    assert site.database.write(lambda session: edit_conflicts.count(session, anna.id)) == 0


def test_the_later_of_two_changes_wins_and_the_other_can_be_taken(site: Site, anna: Person, path: str) -> None:
    mail = with_device(site, anna)
    stale = get(site, mail, path)
    put(site, anna, path, get(site, anna, path).replace("a@example.org", "b@example.org"))
    put(site, mail, path, stale.replace("a@example.org", "c@example.org"))
    assert emails(get(site, anna, path)) == ["c@example.org"]
    with site.database.reading() as session:
        (told,) = edit_conflicts.of_person(session, anna.id)
    assert told.won
    assert told.lost
    assert (told.device, told.won.main.value, told.lost.main.value) == ("Mail", "c@example.org", "b@example.org")
    site.database.write(lambda session: edit_conflicts.take_other(session, anna.id, told.id))
    assert emails(get(site, anna, path)) == ["b@example.org"]
    with pytest.raises(NotFound):
        site.database.write(lambda session: edit_conflicts.take_other(session, anna.id, told.id))


def test_what_was_changed_again_is_not_overwritten_by_the_other(site: Site, anna: Person, path: str) -> None:
    mail = with_device(site, anna)
    stale = get(site, mail, path)
    put(site, anna, path, get(site, anna, path).replace("a@example.org", "b@example.org"))
    put(site, mail, path, stale.replace("a@example.org", "c@example.org"))
    put(site, anna, path, get(site, anna, path).replace("c@example.org", "d@example.org"))
    with site.database.reading() as session:
        (told,) = edit_conflicts.of_person(session, anna.id)
    with pytest.raises(Conflict):
        site.database.write(lambda session: edit_conflicts.take_other(session, anna.id, told.id))
    assert emails(get(site, anna, path)) == ["d@example.org"]
    site.database.write(lambda session: edit_conflicts.dismiss(session, anna.id, told.id))
    assert site.database.write(lambda session: edit_conflicts.count(session, anna.id)) == 0


def test_a_deletion_and_a_change_are_a_conflict_whichever_comes_first(site: Site, anna: Person, path: str) -> None:
    mail = with_device(site, anna)
    stale = get(site, mail, path)
    line = next(line for line in stale.split("\r\n") if "a@example.org" in line)
    put(site, anna, path, get(site, anna, path).replace(line + "\r\n", ""))
    put(site, mail, path, stale.replace("a@example.org", "c@example.org"))
    assert emails(get(site, mail, path)) == ["c@example.org"]
    put(site, anna, path, get(site, anna, path).replace("c@example.org", "d@example.org"))
    put(site, mail, path, stale.replace(line + "\r\n", ""))
    assert emails(get(site, anna, path)) == []
    with site.database.reading() as session:
        told = edit_conflicts.of_person(session, anna.id)
    (deleted,) = (each for each in told if each.won is None)
    (changed,) = (each for each in told if each.lost is None)
    assert deleted.lost
    assert deleted.lost.main.value == "d@example.org"
    with pytest.raises(Conflict):
        site.database.write(lambda session: edit_conflicts.take_other(session, anna.id, changed.id))
    site.database.write(lambda session: edit_conflicts.take_other(session, anna.id, deleted.id))
    assert emails(get(site, anna, path)) == ["d@example.org"]


def test_what_comes_back_after_it_was_deleted_is_granted_to_nobody(site: Site, anna: Person) -> None:
    bert = register(site.database, "bert")
    factories.connect(site.database, anna.id, bert.id)
    phone = factories.field(site.database, anna.id, "mobile", "+49 30 1112221")
    factories.group(site.database, anna.id, "Friends", [bert.id], [phone])
    own = BOOK + factories.href_of(site.database, anna.id, anna.id)
    stale = get(site, anna, own)
    site.database.write(lambda session: profiles.remove_field(session, anna.id, phone))
    put(site, anna, own, stale.replace("+49 30 1112221", "+49 30 3334443"))
    assert "+49 30 3334443" in get(site, anna, own)
    assert "+49 30 3334443" not in "".join(entry.text for entry in factories.contents(site.database, bert.id))


def test_whoever_names_the_state_means_the_state(site: Site, anna: Person, path: str) -> None:
    """A device that says by its ETag what it changed may put a value back that was there before."""
    mail = with_device(site, anna)
    get(site, mail, path)
    put(site, anna, path, get(site, anna, path).replace("a@example.org", "b@example.org"))
    etag = site.call("HEAD", path, person=mail).header("ETag")
    text = get(site, anna, path).replace("b@example.org", "a@example.org")
    assert put(site, mail, path, text, If_Match=etag).status == 204
    assert emails(get(site, anna, path)) == ["a@example.org"]


def test_a_contact_that_nobody_else_changed_is_kept_byte_for_byte(site: Site, anna: Person) -> None:
    mail = with_device(site, anna)
    put(site, anna, BOOK + "one.vcf", factories.vcard("one", "EMAIL:a@example.org"))
    get(site, mail, BOOK + "one.vcf")
    data = factories.vcard("one", "item1.EMAIL:b@example.org", "item1.X-ABLabel:odd", "X-ODD:  1")
    answer = put(site, mail, BOOK + "one.vcf", data)
    assert answer.header("ETag") == site.call("HEAD", BOOK + "one.vcf", person=mail).header("ETag") != ""
    assert site.call("GET", BOOK + "one.vcf", person=anna).body == data


def test_lines_that_nobody_changed_stay_as_they_are_written(site: Site, anna: Person) -> None:
    """Of a contact that two devices changed, the lines of the later one are kept, groups and all."""
    mail = with_device(site, anna)
    odd = ("item1.EMAIL;TYPE=x-odd:a@example.org", "item1.X-ABLabel:odd", 'X-ODD;X-P="a;b":  1')
    put(site, anna, BOOK + "one.vcf", factories.vcard("one", *odd, "NOTE:one"))
    stale = get(site, mail, BOOK + "one.vcf")
    added = ("item1.TEL:111", "item1.X-ABLabel:mine")
    put(
        site,
        anna,
        BOOK + "one.vcf",
        factories.vcard("one", *odd, "NOTE:one", *(line.replace("1.", "2.", 1) for line in added)),
    )
    put(site, mail, BOOK + "one.vcf", stale.replace("NOTE:one", "NOTE:two"))
    text = get(site, mail, BOOK + "one.vcf")
    assert all(f"\r\n{line}\r\n" in text for line in (*odd, "NOTE:two"))
    card = parse_one(text)
    (number,), labels = card.all("TEL"), {item.group: item.value for item in card.all("X-ABLABEL")}
    assert (labels[number.group], labels["item1"]) == ("mine", "odd")


def thin_out(site: Site, person: Person, count: int) -> None:
    """Let go of what is beyond a budget of so many earlier states of each kind."""
    limits = Limits(versions=count, profile_states=count)
    database = Database(site.database.url.render_as_string(hide_password=False), Settings(limits=limits))
    for thin in (versions.thin_out, profile_thinning.thin_out):
        database.write(lambda session, thin=thin: thin(session, person.id))  # type: ignore[misc]
    database.dispose()


@pytest.mark.parametrize("is_noted", [True, False])
def test_a_device_whose_state_is_not_kept_undoes_nothing(
    site: Site, anna: Person, path: str, *, is_noted: bool
) -> None:
    """Its own change is made; what it can not be known to have changed stays beside what is there now."""
    mail = with_device(site, anna)
    if is_noted:
        put(site, anna, path, get(site, anna, path).replace("a@example.org", "0@example.org"))
        put(site, anna, path, get(site, anna, path).replace("0@example.org", "a@example.org"))
    stale = get(site, mail, path)
    for before, after in pairwise("abcdefghi"):
        put(site, anna, path, get(site, anna, path).replace(f"{before}@", f"{after}@"))
    thin_out(site, anna, 5)
    put(site, mail, path, with_line(stale, "NOTE:of the other program"))
    text = get(site, mail, path)
    assert set(emails(text)) == {"i@example.org", "a@example.org"}
    assert "of the other program" in text


def test_a_device_whose_state_is_kept_is_known_after_others_went(site: Site, anna: Person, path: str) -> None:
    mail = with_device(site, anna)
    for before, after in pairwise("abcdefghia"):
        put(site, anna, path, get(site, anna, path).replace(f"{before}@", f"{after}@"))
    stale = get(site, mail, path)
    put(site, anna, path, get(site, anna, path).replace("a@", "b@"))
    thin_out(site, anna, 5)
    put(site, mail, path, with_line(stale, "NOTE:of the other program"))
    text = get(site, mail, path)
    assert (emails(text), "of the other program" in text) == (["b@example.org"], True)


def test_a_device_that_was_handed_what_is_now_is_known_again(site: Site, anna: Person, path: str) -> None:
    """What it deletes afterwards is deleted, though nothing is kept of what it had before."""
    mail = with_device(site, anna)
    get(site, mail, path)
    for before, after in pairwise("abcd"):
        put(site, anna, path, get(site, anna, path).replace(f"{before}@", f"{after}@"))
    thin_out(site, anna, 0)
    text = get(site, mail, path)
    line = next(line for line in text.split("\r\n") if "d@example.org" in line)
    put(site, mail, path, text.replace(line + "\r\n", ""))
    assert emails(get(site, anna, path)) == []
