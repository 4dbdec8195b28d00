"""What people write about themselves becomes no link that does anything but what it seems to, on any page."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from urllib.parse import unquote

from sync.database.engine import Session
from sync.fields import fields_of
from sync.profiles import profiles
from sync.sharing import grants, groups
from sync.sharing.visibility import STRANGERS
from sync.vcard import parse_one
from tests.portal import keepsakes, strangers, walk
from tests.portal.conftest import Cast
from tests.support.factories import content, contents, put, served, vcard
from tests.support.forms import Visitor
from tests.support.site import Site

#: What a phone would obey: calls are diverted from now on.
COMMANDS = ("*21*+86139#", "＊21＊1＃", "%2A21%2A1%23", "+49 30 1,,*9#")
PROGRAMS = ("javascript:alert(1)", "JavaScript:alert(1)", "data:text/html,<script>alert(1)</script>", "vbscript:x")
LINES = (
    *(f"{kind}:{number}" for number in COMMANDS for kind in ("TEL;TYPE=CELL", "TEL;TYPE=WORK", "TEL")),
    *(f"{name}:{address}" for address in PROGRAMS for name in ("URL", "X-SOCIALPROFILE;TYPE=x", "IMPP", "EMAIL")),
)


def everybody_says(session: Session, ids: Mapping[str, int]) -> None:
    """Let everybody say what is dangerous before anything harmless, and show it to anybody."""
    said = fields_of(parse_one("\r\n".join(["BEGIN:VCARD", "VERSION:3.0", "FN:x", *LINES, "END:VCARD", ""])))
    for account_id in {**ids, **strangers.met(session, ids)}.values():
        new = profiles.add_fields(session, account_id, [each for each in said if each.main.name != "FN"])
        for field_id in reversed(new):
            profiles.move_field(session, account_id, field_id, -1_000)
        grants.grant(session, account_id, groups.find(session, account_id, STRANGERS).id, new)


def test_no_link_of_any_page_is_a_command_or_a_program(cast_site: Site, cast: Cast) -> None:
    """Numbers are linked where they are numbers, so that this looks at something."""
    database, anna, bo = cast_site.database, cast.ids[walk.WHO], cast.ids["bo"]
    database.write(lambda session: keepsakes.made(session, cast.ids))
    database.write(lambda session: everybody_says(session, cast.ids))
    for number, entry in enumerate(contents(database, anna)):
        if entry.kind == "private":
            put(database, anna, entry.href, vcard(entry.uid, *LINES, name=f"Contact {number}"))
    card = served(database, anna, bo)
    assert card is not None
    put(database, anna, card.href, card.text.replace("END:VCARD", "\r\n".join((*LINES, "END:VCARD"))).encode())
    visitor, found = Visitor(cast_site).signed_in(anna), dict[str, list[str]]()
    for endpoint, path in walk.addresses(cast_site, "GET", cast.ids):
        if endpoint not in walk.NO_PAGE:
            page = visitor.get(path)
            assert page.status in (200, 302, 303), path
            if page.status == 200:
                found[path] = [str(link) for link in page.document.xpath("//@href | //@action | //@formaction")]
    links = {link for each in found.values() for link in each}
    assert any(link.startswith("tel:") for link in links)
    assert any(link.startswith("mailto:") for link in links)
    for link in links:
        plain = unicodedata.normalize("NFKC", unquote(unquote(link))).casefold()
        assert not plain.startswith(("javascript:", "vbscript:", "data:")), link
        assert not (plain.startswith(("tel:", "sms:")) and ("*" in plain or "#" in plain)), link


def test_a_number_that_is_a_command_is_shown_all_the_same(cast_site: Site, cast: Cast) -> None:
    bo = cast.ids["bo"]

    def tell(session: Session) -> None:
        field_id = profiles.add_field(session, bo, content("mobile", COMMANDS[0]))
        grants.grant(session, bo, groups.find(session, bo, STRANGERS).id, [field_id])

    cast_site.database.write(tell)
    page = Visitor(cast_site).signed_in(cast.ids[walk.WHO]).get(f"/people/{bo}")
    assert COMMANDS[0] in page.text
