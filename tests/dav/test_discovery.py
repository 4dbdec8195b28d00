"""How a client finds the one address book, with nothing but the server's name, a login and a password."""

from __future__ import annotations

import pytest
from lxml import etree

from tests.dav.asking import NAMES, NS, href_in, propfind, responses
from tests.support import people
from tests.support.site import Answer, Lasting, basic

#: What each client asks of the root, the principal, the home and the book.
PRINCIPAL = "<D:current-user-principal/>"
HOME = "<C:addressbook-home-set/>"
IOS_PRINCIPAL = (
    "<C:addressbook-home-set/><C:directory-gateway/><D:displayname/><S:email-address-set/><D:principal-URL/>"
    "<D:principal-collection-set/><D:resource-id/><D:supported-report-set/>"
)
IOS_HOME = (
    '<D:add-member/><M:bulk-requests xmlns:M="http://me.com/_namespace/"/><D:current-user-privilege-set/>'
    "<D:displayname/><C:max-image-size/><C:max-resource-size/><S:me-card/><D:owner/><S:push-transports/><S:pushkey/>"
    "<D:quota-available-bytes/><D:quota-used-bytes/><D:resource-id/><D:resourcetype/><D:supported-report-set/>"
    "<D:sync-token/>"
)
DAVX5_HOME = (
    "<D:current-user-privilege-set/><D:displayname/><D:owner/><D:resourcetype/>"
    '<P:transports xmlns:P="https://bitfire.at/webdav-push"/><P:topic xmlns:P="https://bitfire.at/webdav-push"/>'
    "<C:addressbook-description/>"
)
EVERYWHERE = ("/", "/.well-known/carddav", "/anna/", "/anna/contacts/", "/anna", "/anna/contacts")


def books(answer: Answer) -> list[str]:
    return [
        href for href, node in responses(answer).items() if node.find(".//D:resourcetype/C:addressbook", NS) is not None
    ]


def test_a_listing_of_the_root_shows_nobody_but_who_asks(lasting: Lasting) -> None:
    answer = propfind(lasting.site, "/", "<D:resourcetype/>", depth="1", person=lasting.circle.anna)
    assert list(responses(answer)) == ["/", "/anna/"]


@pytest.mark.parametrize("names", [IOS_HOME, DAVX5_HOME, "<D:resourcetype/><D:displayname/>", ""])
@pytest.mark.parametrize("path", ["/anna/", "/anna"])
def test_the_home_has_exactly_one_address_book(lasting: Lasting, path: str, names: str) -> None:
    """MacOS shows only one book per account, and every client must find the same one."""
    answer = propfind(lasting.site, path, names, depth="1", person=lasting.circle.anna)
    assert books(answer) == ["/anna/contacts/"]
    assert list(responses(answer)) == ["/anna/", "/anna/contacts/"]


def test_the_address_book_has_a_name(lasting: Lasting) -> None:
    """Outlook's synchronizer skips a book without a name."""
    answer = propfind(lasting.site, "/anna/contacts/", "<D:displayname/>", person=lasting.circle.anna)
    assert answer.xml.findtext(".//D:displayname", "", NS)


def test_the_address_book_looks_writable(lasting: Lasting) -> None:
    """A read-only book would take new contacts away from it on every phone, so all clients' words for it are there."""
    answer = propfind(lasting.site, "/anna/contacts/", "<D:current-user-privilege-set/>", person=lasting.circle.anna)
    found = {etree.QName(node[0]).localname for node in answer.xml.iter("{DAV:}privilege")}
    assert {"read", "write", "write-content", "bind", "unbind"} <= found
    assert "all" not in found


@pytest.mark.parametrize(("path", "more"), [("/", set()), ("/anna/", {"bind", "unbind"})])
def test_places_above_the_address_book_take_no_cards(lasting: Lasting, path: str, more: set[str]) -> None:
    """Address books can be made and deleted below the principal; nothing can be written into what is above them."""
    answer = propfind(lasting.site, path, "<D:current-user-privilege-set/>", person=lasting.circle.anna)
    found = {etree.QName(node[0]).localname for node in answer.xml.iter("{DAV:}privilege")}
    assert {"write", "write-content", "bind", "unbind", "all"} & found == more


@pytest.mark.parametrize("path", [*EVERYWHERE, "/anna/contacts/some.vcf", "/nobody/", "/nobody/contacts/", "*"])
def test_options_need_no_password(lasting: Lasting, path: str) -> None:
    """Evolution asks without one, and takes a book whose Allow lacks PUT for read-only. Nobody learns who exists."""
    answer = lasting.site.call("OPTIONS", path)
    assert answer.status == 200
    assert "addressbook" in answer.header("DAV").split(", ")
    assert {"PUT", "DELETE", "PROPFIND", "REPORT"} <= set(answer.header("Allow").split(", "))


@pytest.mark.parametrize("names", [IOS_HOME, DAVX5_HOME, IOS_PRINCIPAL])
@pytest.mark.parametrize("path", ["/", "/anna/", "/anna/contacts/"])
def test_what_is_there_comes_before_what_is_not(lasting: Lasting, path: str, names: str) -> None:
    """Thunderbird looks at the first status only, and compares all of its text."""
    answer = propfind(lasting.site, path, names + "<D:resourcetype/>", depth="1", person=lasting.circle.anna)
    for node in responses(answer).values():
        statuses = [status.text for status in node.findall("D:propstat/D:status", NS)]
        assert statuses[0] == "HTTP/1.1 200 OK"
        assert statuses[1:] in ([], ["HTTP/1.1 404 Not Found"])


@pytest.mark.parametrize(
    "body", ["", f"<D:propfind {NAMES}><D:allprop/></D:propfind>", f"<D:propfind {NAMES}><D:propname/></D:propfind>"]
)
@pytest.mark.parametrize("path", ["/", "/anna/", "/anna/contacts/"])
def test_all_properties_and_their_names_can_be_asked_for(lasting: Lasting, path: str, body: str) -> None:
    answer = lasting.site.call("PROPFIND", path, body, {"Depth": "0"}, person=lasting.circle.anna)
    (node,) = responses(answer).values()
    assert node.find("D:propstat/D:prop/D:resourcetype", NS) is not None
    assert [status.text for status in node.findall("D:propstat/D:status", NS)] == ["HTTP/1.1 200 OK"]


def test_a_login_is_read_in_any_case(lasting: Lasting) -> None:
    answer = lasting.site.call(
        "PROPFIND", "/", "", {"Depth": "0", "Authorization": basic("ANNA", lasting.circle.anna.password)}
    )
    assert href_in(answer, "D:current-user-principal") == "/anna/"


def test_a_dotted_login_is_written_as_it_is_everywhere(lasting: Lasting) -> None:
    """A login is the same text in hrefs and in paths, so nothing has to be decoded to compare the two."""
    person = people.register(lasting.site.database, "a.b-c_d")
    assert books(propfind(lasting.site, "/a.b-c_d/", "<D:resourcetype/>", depth="1", person=person)) == [
        "/a.b-c_d/contacts/"
    ]
