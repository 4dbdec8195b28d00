"""UIDs: with the prefix or without, however often, they are one; a card has one, in the words that it always had."""

from __future__ import annotations

import pytest

from sync.books.served import private
from sync.errors import InvalidVCard
from sync.vcard import parse_one, uids

X = "8b0b0c5e-7a4e-4c39-9b6e-1f6a4a3c0d11"
CARD = f"BEGIN:VCARD\r\nVERSION:3.0\r\nUID:{X}\r\nFN:A\r\nN:A;;;;\r\nEND:VCARD\r\n"


def identified(text: str, known: str | None = None) -> tuple[str, str]:
    data, uid = uids.identified(text.encode(), parse_one(text), known)
    assert parse_one(data).uid == uid
    assert len(parse_one(data).all("UID")) == 1
    return data.decode(), uid


@pytest.mark.parametrize("said", [X, f"urn:uuid:{X}", f"URN:UUID:{X}", f"urn:uuid:urn:uuid:{X}", f" urn:uuid: {X} "])
def test_a_prefix_makes_no_other_uid(said: str) -> None:
    assert uids.bare(said) == X
    for known in (X, f"urn:uuid:{X}", f"urn:uuid:urn:uuid:{X}"):
        assert uids.are_same(said, known)
        assert identified(CARD.replace(X, said), known) == (CARD.replace(X, known), known)
    assert not uids.are_same(said, X[:-1])


def test_what_has_its_uid_stays_octet_for_octet() -> None:
    for text in (CARD, CARD.replace("\r\n", "\n"), CARD.replace("UID:", "uid;X=1:")):
        assert identified(text) == (text, X)
        assert identified(text, X) == (text, X)
        assert identified(text, "another") == (text, X)


@pytest.mark.parametrize("end", ["\r\n", "\n"])
@pytest.mark.parametrize("line", ["", "UID:\r\n", "UID: \r\n \r\n"])
def test_a_card_without_a_uid_gets_one(line: str, end: str) -> None:
    bare = CARD.replace(f"UID:{X}\r\n", line).replace("\r\n", end)
    text, uid = identified(bare)
    assert len(uid) == 36
    assert identified(bare)[1] != uid
    said = [each for each in bare.split(end) if each.strip() and not each.startswith("UID")]
    assert [each for each in text.split(end) if each and not each.startswith("UID")] == said
    assert identified(bare, "known")[1] == "known"


def test_two_lines_with_one_uid_become_one_line() -> None:
    text, uid = identified(CARD.replace("FN:A", f"UID:urn:u\r\n uid:{X}\r\nFN:A"))
    assert (text, uid) == (CARD, X)


def test_two_uids_and_a_long_one_are_refused() -> None:
    for wrong in ("UID:x\r\nUID:y", f"UID:{'x' * 256}"):
        with pytest.raises(InvalidVCard):
            identified(CARD.replace(f"UID:{X}", wrong))


def test_the_uid_of_an_agent_is_not_the_card_s() -> None:
    agent = "AGENT:\r\nBEGIN:VCARD\r\nVERSION:3.0\r\nUID:agent\r\nFN:B\r\nN:B;;;;\r\nEND:VCARD\r\n"
    text, uid = identified(CARD.replace(f"UID:{X}\r\n", agent), X)
    assert (uid, text.count("UID:agent"), text.count(f"UID:{X}")) == (X, 1, 1)


@pytest.mark.parametrize("prefix", ["", "urn:uuid:", "urn:uuid:urn:uuid:"])
def test_in_3_0_the_members_of_a_list_are_found_by_what_their_cards_say(prefix: str) -> None:
    """Apple's programs look for urn:uuid: and the UID (client fact I-19)."""
    person = CARD.replace("3.0", "4.0").replace(X, prefix + X)
    group = CARD.replace("3.0", "4.0").replace(X, f"g\r\nKIND:group\r\nMEMBER:{prefix or 'urn:uuid:'}{X}")
    served = parse_one(private(person.encode(), "3.0", prefix + X, 0))
    listed = parse_one(private(group.encode(), "3.0", "g", 0))
    (member,) = listed.all("X-ADDRESSBOOKSERVER-MEMBER")
    assert member.value == f"urn:uuid:{served.uid}"
    assert private(person.encode(), "4.0", prefix + X, 0) == person
