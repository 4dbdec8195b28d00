"""
Cards that were lost, refused or shown wrongly once: each arrives by every door, and another reader understands it.

The doors are the person's own card, a contact that a device stores, and a file that is taken over.
"""

from __future__ import annotations

from pathlib import Path

import pytest
import vobject

from sync.contacts import importing
from sync.fields import FieldContent, fields_of, without_broken_photos
from sync.merging import intake
from sync.profiles import profiles
from sync.vcard import parse_one, split, text_of
from tests.dav.asking import BOOK, multiget_body, put, query_body, report, texts
from tests.dav.test_put import data_in, with_uid
from tests.dav.test_rfc6352_filters import NOT_DEFINED, match, prop
from tests.support import factories
from tests.support.people import Person, register
from tests.support.site import Site

FOLDER = Path(__file__).parents[1] / "data" / "cases"
CASES = {
    f"{path.stem}-{number}": card
    for path in sorted(FOLDER.glob("*.vcf"))
    for number, card in enumerate(split(path.read_bytes()))
}
#: Of each case something that has to be there, as the text of a field; nothing where the reading is all.
SAYS = {
    "charset-gbk-raw-0": ("name", "张三"),
    "charset-windows-1252-outlook-0": ("name", "Jürgen Müller"),
    "kde-x-messaging-slash-0": ("im", "kay"),
    "missing-version-0": ("phone", "+1"),
    "neighbour-broken-1": ("name", "Other"),
    "one-bad-line-loses-contact-0": ("email", "k@example.org"),
    "same-version-0": ("qq", "12345"),
    "sound-x-irmc-n-phonetic-0": ("phonetic", "ヤマダ"),
    "tel-x-custom-label-0": ("phone", "123"),
    "x-android-custom-structured-0": ("nickname", "三"),
    "x-qq-not-shown-as-impp-0": ("related", "Wang Wu"),
}
PEOPLE_SAY = (("name", "Somebody"), ("anniversary", "2010-05-01"), ("mobile", "+86 138 0013 8000"), ("gender", "F"))
EACH = pytest.mark.parametrize("name", CASES)
VERSIONS = pytest.mark.parametrize("version", ["3.0", "4.0"])


def read_by_another(text: str) -> vobject.base.Component:
    """Read a card as another program does, and one that refuses what the standard does not allow."""
    (card,) = vobject.readComponents(text)
    assert card.fn.value.strip()
    return card


def says(name: str, text: str) -> None:
    """Make sure that a card says what it has to, in the words of its version."""
    read_by_another(text)
    kind, value = SAYS.get(name, ("", ""))
    fields: list[FieldContent] = fields_of(parse_one(text))
    assert not kind or (kind, value) in [(content.kind, content.text()) for content in fields]


@EACH
def test_a_device_stores_it_and_every_version_can_be_read(site: Site, anna: Person, name: str) -> None:
    answer = put(site, anna, BOOK + "case.vcf", with_uid(CASES[name], "case"))
    assert answer.status == 201, answer.body
    for version in ("3.0", "4.0"):
        found = texts(report(site, anna, multiget_body([BOOK + "case.vcf"], data_in(version))))[BOOK + "case.vcf"]
        says(name, found)
        assert "FN:case" not in found
        assert put(site, anna, BOOK + "case.vcf", found).status == 204


@EACH
def test_a_file_with_it_is_taken_over(site: Site, anna: Person, name: str) -> None:
    neighbour = factories.vcard("neighbour", name="Neighbour")
    result = importing.import_contacts(site.database, anna.id, CASES[name] + neighbour)
    assert (result.added, result.left_out) == (2, [])
    (found,) = [
        entry.text
        for entry in factories.contents(site.database, anna.id)
        if entry.kind == "private" and entry.uid != "neighbour"
    ]
    says(name, found)


@EACH
def test_it_becomes_the_own_card(site: Site, anna: Person, name: str) -> None:
    own = factories.served(site.database, anna.id, anna.id)
    assert own is not None
    lines = [line for line in text_of(CASES[name]).splitlines() if not line.upper().startswith("UID")]
    data = "\r\n".join([*lines[:-1], f"UID:{own.uid}", lines[-1], ""])
    answer = put(site, anna, BOOK + own.href, data)
    assert answer.status == 204, answer.body
    for version in ("3.0", "4.0"):
        after = factories.served(site.database, anna.id, anna.id, version)
        assert after is not None
        says(name, after.text)


@EACH
def test_a_file_with_it_becomes_the_own_card(site: Site, anna: Person, name: str) -> None:
    """The portal and the command line take over what can be read."""
    card, _broken = without_broken_photos(intake.read(CASES[name]))
    site.database.write(lambda session: profiles.import_card(session, anna.id, card))
    for version in ("3.0", "4.0"):
        after = factories.served(site.database, anna.id, anna.id, version)
        assert after is not None
        says(name, after.text)


def test_of_every_case_there_is_a_card() -> None:
    assert set(CASES) >= set(SAYS)
    assert {name.rpartition("-")[0] for name in CASES} == {path.stem for path in FOLDER.glob("*.vcf")}


@VERSIONS
def test_who_has_no_name_is_called_by_what_there_is(site: Site, anna: Person, version: str) -> None:
    """Never by the UID; what is stored stays as it is, and its ETag says which rendition a client has."""
    data = factories.vcard("u-1", "ORG:ACME Ltd;Sales", "TEL:+1 555").replace(b"FN:Private Person\r\n", b"FN:\r\n")
    data = data.replace(b"N:Private Person;;;;\r\n", b"").replace(b"3.0", version.encode())
    answer = put(site, anna, BOOK + "a.vcf", data)
    assert (answer.status, answer.header("ETag")) == (201, "")
    plain = site.call("GET", BOOK + "a.vcf", b"", {}, person=anna)
    assert plain.body == data
    named = site.call("GET", BOOK + "a.vcf", b"", {"Accept": f"text/vcard; version={version}"}, person=anna)
    assert b"FN:ACME Ltd\r\n" in named.body
    assert named.header("ETag") != plain.header("ETag")
    found = texts(report(site, anna, multiget_body([BOOK + "a.vcf"], data_in(version))))
    assert found[BOOK + "a.vcf"].encode() == named.body


@pytest.mark.parametrize(
    ("lines", "name"),
    [
        (["N:Li;Si;;;"], "Si Li"),
        (["NICKNAME:Sanzi", "ORG:ACME"], "Sanzi"),
        (["EMAIL:info@example.org", "TEL:1"], "info@example.org"),
        (["TEL:+1 555"], "+1 555"),
        (["NOTE:x"], "Unnamed"),
    ],
)
def test_a_card_is_called_by_the_first_of_these(site: Site, anna: Person, lines: list[str], name: str) -> None:
    data = "\r\n".join(["BEGIN:VCARD", "VERSION:4.0", "UID:u-1", *lines, "END:VCARD", ""])
    put(site, anna, BOOK + "a.vcf", data)
    for version in ("3.0", "4.0"):
        found = texts(report(site, anna, multiget_body([BOOK + "a.vcf"], data_in(version))))[BOOK + "a.vcf"]
        assert read_by_another(found).fn.value == name


def test_a_query_finds_what_is_stored_and_what_is_served(site: Site, anna: Person) -> None:
    data = factories.vcard("club", "KIND:group", "MEMBER:urn:uuid:1", "TEL;VALUE=uri:tel:+1").replace(b"3.0", b"4.0")
    put(site, anna, BOOK + "club.vcf", data)
    parameter = '<C:param-filter name="VALUE"><C:text-match>uri</C:text-match></C:param-filter>'
    for found in (
        *(prop("KIND", match("group")), prop("X-ADDRESSBOOKSERVER-KIND", match("group")), prop("MEMBER")),
        *(prop("VERSION", match("4.0")), prop("VERSION", match("3.0")), prop("TEL", parameter)),
    ):
        assert BOOK + "club.vcf" in texts(report(site, anna, query_body(found, data_in("3.0"))))
    for missed in (
        prop("KIND", NOT_DEFINED),
        prop("X-ADDRESSBOOKSERVER-KIND", NOT_DEFINED),
        prop("KIND", match("org")),
    ):
        assert BOOK + "club.vcf" not in texts(report(site, anna, query_body(missed, data_in("3.0"))))


@pytest.mark.parametrize("whose", ["own", "connection"])
@pytest.mark.parametrize("version", ["3.0", "4.0"])
def test_a_query_finds_what_people_s_cards_say_in_either_version(
    site: Site, anna: Person, whose: str, version: str
) -> None:
    """And nothing of what is not shown to who asks."""
    ben = register(site.database, "ben")
    factories.connect(site.database, anna.id, ben.id)
    owner = anna.id if whose == "own" else ben.id
    shown = [factories.field(site.database, owner, *said) for said in PEOPLE_SAY]
    factories.group(site.database, ben.id, "friends", [anna.id], shown if whose == "connection" else [])
    factories.field(site.database, ben.id, "language", "fr")
    path = BOOK + factories.href_of(site.database, anna.id, owner)

    def finds(*wanted: str) -> list[bool]:
        return [path in texts(report(site, anna, query_body(each, data_in(version)))) for each in wanted]

    versions = [prop("VERSION", match(each)) for each in ("3.0", "4.0")]
    words = [prop("ANNIVERSARY", match("20100501")), prop("X-ABDATE", match("2010-05-01")), prop("GENDER", match("F"))]
    assert all(finds(*versions, *words, prop("X-GENDER", match("F")), prop("FN", match("Somebody"))))
    assert not any(finds(prop("VERSION", match("2.1")), prop("VERSION", NOT_DEFINED), prop("ANNIVERSARY", NOT_DEFINED)))
    assert not any(finds(prop("LANG"), prop("FN", match("Nobody")), prop("KIND", match("group"))))


def test_long_lists_fit_and_a_limit_that_is_not_told_is_not_blamed_on_one_that_is(site: Site, anna: Person) -> None:
    members = [f"MEMBER:urn:uuid:{number:036}" for number in range(3_000)]
    data = factories.vcard("club", "KIND:group", *members).replace(b"3.0", b"4.0")
    assert put(site, anna, BOOK + "club.vcf", data).status == 201
    answer = put(site, anna, BOOK + "b.vcf", factories.vcard("b", "TEL" + ";X=1" * 101 + ":1"))
    assert (answer.status, answer.condition.rpartition("}")[2]) == (403, "valid-address-data")
