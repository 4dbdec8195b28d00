"""
Own contacts, linked and merged and edited in any order beside somebody's card: what was taken back is nowhere.

Everything goes over HTTP: devices by CardDAV, the person by the portal. After the owner took their fields back, every
door of the viewer's is opened: each entry in both versions, what was kept of it, and every page that shows contacts.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sync import verification
from sync.contacts import apart, duplicates, linking
from sync.export.exporting import export
from sync.profiles import profiles
from sync.sharing import connections, grants, groups
from sync.sharing.visibility import STRANGERS
from tests.properties.samples import letters
from tests.support import dav, forms
from tests.support.factories import content
from tests.support.forms import Visitor
from tests.support.people import register
from tests.support.site import Site, Transport

SHARED, SECRET_NUMBER, SECRET_NOTE = "li@example.org", "+86 138 7777 3141", "Quokkas are kept in the secret garden"
STEPS = ("link", "unlink", "merge", "swap", "undo", "edit", "echo", "annotate", "restore", "no", "hide", "store")
OWN = {"one": f"TEL:+86 139 0013 9000\r\nEMAIL:{SHARED}", "two": f"EMAIL:{SHARED}\r\nNOTE:Mine alone"}


@pytest.fixture
def site(database_url: str) -> Iterator[Site]:
    """Yield a server with a portal."""
    with forms.opened(database_url) as site:
        yield site


class Story:
    """Anna, who has two contacts of her own about Li, and Li's card beside them."""

    def __init__(self, site: Site) -> None:
        """Let Li show Anna everything for now."""
        self.site = site
        self.anna, self.li = register(site.database), register(site.database)
        self.secrets: list[int] = []
        self.visitor = Visitor(site).signed_in(self.anna.id)
        http = httpx.Client(transport=Transport(site, "192.0.2.1"), base_url=forms.ORIGIN)
        self.device = dav.Client(http, self.anna.login, self.anna.password)
        self._begin()

    def _begin(self) -> None:
        database, li = self.site.database, self.li.id
        database.write(lambda session: connections.connect(session, self.anna.id, li))
        said = (("name", "Li Mei"), ("email", SHARED), ("mobile", SECRET_NUMBER), ("note", SECRET_NOTE))
        ids = [
            database.write(lambda session, it=it: profiles.add_field(session, li, content(*it)))  # type: ignore[misc]
            for it in said
        ]
        self.secrets = ids[2:]
        self._grant(ids)
        for name, lines in OWN.items():
            self._store(name, lines)

    def _grant(self, ids: list[int]) -> None:
        self.site.database.write(
            lambda session: grants.grant(session, self.li.id, groups.find(session, self.li.id, STRANGERS).id, ids)
        )

    def revoke(self) -> None:
        """Let Li take back what nobody else knew."""
        self.site.database.write(
            lambda session: grants.take_back(
                session, self.li.id, groups.find(session, self.li.id, STRANGERS).id, self.secrets
            )
        )

    def _store(self, name: str, lines: str) -> None:
        card = f"BEGIN:VCARD\r\nVERSION:3.0\r\nUID:{name}\r\nFN:{name}\r\nN:{name};;;;\r\n{lines}\r\nEND:VCARD\r\n"
        self.device.request("PUT", f"{self.device.book}{name}.vcf", card, {"Content-Type": "text/vcard"})

    def _cards(self, version: str = "3.0") -> dict[str, str]:
        phone = dav.Replica(self.device, version=version)
        phone.sync()
        return {href: card.text or "" for href, card in phone.cards.items()}

    def _press(self, page: str, ending: str) -> None:
        """Press the first button of a page whose form is sent to something with this ending."""
        found = self.visitor.get(page)
        actions = found.document.xpath(f"//form[contains(@action, '{ending}')]/@action") if found.status == 200 else []
        if actions:
            found.visitor.send(str(actions[0]), found.fields(str(actions[0]).removeprefix(forms.ROOT)))

    def _pair(self) -> str:
        links = self.visitor.get("/contacts/twice/").document.xpath("//a[contains(@class, 'quiet')]/@href")
        return str(links[0]).removeprefix(forms.ROOT) if links else "/contacts/twice/"

    def step(self, name: str) -> None:
        """Do one thing, where it can be done."""
        buttons = {
            "link": ("/people/linking", f"/{self.li.id}"),
            "unlink": ("/people/linking/done", "/apart"),
            "undo": ("/contacts/twice/done", "/undo"),
            "no": ("/contacts/twice/", "/apart"),
            "restore": ("/activity/contacts", "/restore"),
        }
        others = {"edit": self._edit, "merge": self._merge, "echo": self._echo, "annotate": self._annotate}
        if name in buttons:
            self._press(*buttons[name])
        else:
            {**others, "swap": self._swap, "hide": self._hide, "store": self._store_again}[name]()

    def _merge(self) -> None:
        self._press(self._pair(), "/merge")

    def _swap(self) -> None:
        *start, one, other = self._pair().split("/")
        self._press("/".join((*start, other, one)), "/merge")

    def _hide(self) -> None:
        self._press(f"/people/{self.li.id}", "/hide")
        self._press(f"/people/{self.li.id}", "/show")

    def _store_again(self) -> None:
        self._store("one", OWN["one"])

    def _annotate(self) -> None:
        self._echo(mark="X-NOTED:by Anna\r\n")

    def _edit(self) -> None:
        for link in self.visitor.get("/contacts/").document.xpath("//h3/a/@href"):
            path = f"{str(link).removeprefix(forms.ROOT)}/add/hobby"
            self.visitor.get(path).submit(path, text="Chess")

    def _echo(self, mark: str = "") -> None:
        """Let a phone store Li's card as it has it, with a note of Anna's perhaps."""
        for href, text in self._cards().items():
            if "Li Mei" in text and "UID:one" not in text and "UID:two" not in text:
                said = text.replace("END:VCARD", f"{mark}END:VCARD")
                self.device.request("PUT", href, said, {"Content-Type": "text/vcard"})

    def doors(self) -> Iterator[tuple[str, str]]:
        """Yield everything that Anna can get to see of contacts, with where it was."""
        for version in ("3.0", "4.0"):
            yield from self._cards(version).items()
        with self.site.database.reading() as session:
            yield "export", export(session, self.anna.id).decode("latin-1")
        pages, seen = ["/contacts/", "/contacts/twice/", "/contacts/twice/done", "/people/linking"], set[str]()
        pages += ["/people/linking/done", "/activity/contacts", "/activity/", f"/people/{self.li.id}", "/people/"]
        while pages:
            path = pages.pop()
            seen.add(path)
            page = self.visitor.get(path)
            yield path, page.response.text
            if page.status == 200 and page.response.headers["Content-Type"].startswith("text/html"):
                links = {
                    str(link).removeprefix(forms.ROOT).partition("#")[0] for link in page.document.xpath("//a/@href")
                }
                inside = re.compile(r"/(contacts/\d|contacts/twice/\d|activity/contacts/|activity/version)")
                pages += [link for link in links - seen if inside.match(link) and link not in pages]


def test_what_was_taken_back_is_in_no_contact_that_was_linked_merged_or_edited(site: Site) -> None:
    # What is made of contacts is decided by the same code on either engine.
    @settings(max_examples=12 if site.database.is_sqlite else 3, deadline=None, suppress_health_check=list(HealthCheck))
    @given(st.lists(st.sampled_from(STEPS), max_size=8), st.lists(st.sampled_from(STEPS), max_size=4))
    def nothing_is_left(before: list[str], after: list[str]) -> None:
        story = Story(site)
        for name in before:
            story.step(name)
        story.revoke()
        for name in after:
            story.step(name)
        for where, text in story.doors():
            said = letters(re.sub(r"\r\n ", "", text))
            assert letters(SECRET_NUMBER) not in said, where
            assert letters(SECRET_NOTE) not in said, where
        with site.database.reading() as session:
            found = [verification.page(session, each - 1, 1) for each in (story.anna.id, story.li.id)]
        assert [finding for page in found if page is not None for finding in page.findings] == []

    nothing_is_left()


def test_the_steps_do_what_they_say_and_the_doors_show_what_is_granted(site: Site) -> None:
    """What the property looks for would be found where it is."""
    story = Story(site)
    counts = []
    for name in ("merge", "undo", "link", "unlink", "no"):
        story.step(name)
        with site.database.reading() as session:
            merges, links = (found(session, story.anna.id) for found in (duplicates.merges_of, linking.links_of))
            counts.append((len(merges), len(links), len(apart.pairs(session, story.anna.id))))
    assert counts == [(1, 0, 0), (0, 0, 0), (0, 1, 0), (0, 0, 0), (0, 0, 1)]
    assert any(letters(SECRET_NOTE) in letters(re.sub(r"\r\n ", "", text)) for _, text in story.doors())
