"""The expand-property report, RFC 3253, 3.8, which RFC 6352, 8.1 and RFC 3744, 9.1 require."""

from __future__ import annotations

import pytest
from lxml import etree

from tests.dav.asking import BOOK, NAMES, NS, propfind, report, responses
from tests.support.site import SECRETS, Answer, Lasting

CARDDAV = 'namespace="urn:ietf:params:xml:ns:carddav"'
#: What InfCloud and Apple's programs ask of the principal.
GROUPS = (
    '<D:property name="group-membership"><D:property name="displayname"/></D:property>'
    '<D:property name="current-user-principal"><D:property name="displayname"/></D:property>'
)


def expand(lasting: Lasting, content: str, path: str = "/", **headers: str) -> Answer:
    body = f"<D:expand-property {NAMES}>{content}</D:expand-property>"
    return report(lasting.site, lasting.circle.anna, body, depth="0", path=path, **headers)


def nested(*names: str) -> str:
    """Return properties of which each is asked of what the one before names."""
    return f'<D:property name="{names[0]}">{nested(*names[1:])}</D:property>' if names else ""


def test_every_resource_answers(lasting: Lasting) -> None:
    """Root, principal, address book and entry have the report (RFC 6352, 8.1; RFC 3744, 9.1)."""
    for path in ("/", "/anna/", BOOK, lasting.circle.entry, lasting.circle.own):
        answer = expand(lasting, nested("current-user-principal", "displayname"), path)
        assert list(responses(answer)) == [path]
        inside = answer.xml.find("D:response/D:propstat/D:prop/D:current-user-principal/D:response", NS)
        assert inside is not None
        assert inside.findtext("D:href", "", NS) == "/anna/"
        assert inside.findtext("D:propstat/D:prop/D:displayname", "", NS) == "anna"
        assert inside.findtext("D:propstat/D:status", "", NS) == "HTTP/1.1 200 OK"


def test_a_property_without_others_inside_is_told_as_it_is(lasting: Lasting) -> None:
    """Only what has nested properties is replaced, and the rest is what PROPFIND has (RFC 3253, 3.8)."""
    names = ("displayname", "owner", "acl", "current-user-principal", "resourcetype")
    for path in ("/", "/anna/", BOOK, lasting.circle.entry):
        answer = expand(lasting, "".join(nested(name) for name in names), path)
        asked = "".join(f"<D:{name}/>" for name in names)
        plain = propfind(lasting.site, path, asked, person=lasting.circle.anna)
        assert etree.tostring(answer.xml, method="c14n") == etree.tostring(plain.xml, method="c14n")


def test_every_href_of_a_property_is_replaced(lasting: Lasting) -> None:
    """A DAV:response takes the place of each DAV:href in a property's value, wherever it is in it (RFC 3253, 3.8)."""
    answer = expand(lasting, nested("acl", "displayname"), BOOK)
    principal = answer.xml.find(".//D:acl/D:ace/D:principal", NS)
    assert principal is not None
    assert [child.tag for child in principal] == ["{DAV:}response"]
    assert answer.xml.find(".//D:acl/D:ace/D:grant/D:privilege/D:read", NS) is not None


def test_properties_of_other_standards_have_their_namespace(lasting: Lasting) -> None:
    """The namespace attribute names it, and DAV: is meant without one (RFC 3253, 3.8)."""
    inside = f'<D:property name="max-resource-size" {CARDDAV}/><D:property name="displayname"/>'
    answer = expand(lasting, f'<D:property name="addressbook-home-set" {CARDDAV}>{inside}</D:property>', "/anna/")
    home = answer.xml.find(".//C:addressbook-home-set/D:response", NS)
    assert home is not None
    assert home.findtext("D:propstat/D:prop/D:displayname", "", NS) == "anna"
    assert home.find("D:propstat[2]/D:prop/C:max-resource-size", NS) is not None
    none = expand(lasting, '<D:property name="displayname" namespace=""/>')
    assert none.xml.find(".//D:prop/displayname", NS) is not None


def test_what_is_not_there_is_told_on_every_level(lasting: Lasting) -> None:
    """A property that is not there is in a 404 part of the response of its resource, behind the others."""
    answer = expand(
        lasting, '<D:property name="owner"><D:property name="x"/><D:property name="displayname"/></D:property>', BOOK
    )
    statuses = [node.text for node in answer.xml.iterfind(".//D:owner/D:response/D:propstat/D:status", NS)]
    assert statuses == ["HTTP/1.1 200 OK", "HTTP/1.1 404 Not Found"]


@pytest.mark.parametrize("headers", [{"Prefer": "return=minimal"}, {"Brief": "t"}])
def test_what_is_not_there_can_be_left_out_on_every_level(lasting: Lasting, headers: dict[str, str]) -> None:
    """With return=minimal no level has 404 parts (RFC 8144, 2)."""
    inside = '<D:property name="y"/><D:property name="displayname"/>'
    answer = expand(lasting, f'<D:property name="x"/><D:property name="owner">{inside}</D:property>', BOOK, **headers)
    assert " 404 " not in answer.body.decode()
    assert answer.xml.findtext(".//D:owner/D:response/D:propstat/D:prop/D:displayname", "", NS) == "anna"


def test_the_own_card_can_be_reached_from_the_root(lasting: Lasting) -> None:
    """Several levels end at an entry, whose properties are there and whose text is not: it is no property."""
    card = (
        f'<D:property name="getetag"/><D:property name="getcontentlength"/><D:property name="address-data" {CARDDAV}/>'
    )
    me = f'<D:property name="me-card" namespace="http://calendarserver.org/ns/">{card}</D:property>'
    answer = expand(lasting, f'<D:property name="current-user-principal">{me}</D:property>')
    entry = answer.xml.find(".//S:me-card/D:response", NS)
    assert entry is not None
    assert entry.findtext("D:href", "", NS) == lasting.circle.own
    names = "<D:getetag/><D:getcontentlength/>"
    plain = responses(propfind(lasting.site, lasting.circle.own, names, person=lasting.circle.anna))
    for name in ("D:getetag", "D:getcontentlength"):
        told = entry.findtext(f"D:propstat/D:prop/{name}", "", NS)
        assert told == plain[lasting.circle.own].findtext(f"D:propstat/D:prop/{name}", "", NS)
    assert entry.find("D:propstat[2]/D:prop/C:address-data", NS) is not None


def test_what_clients_ask_of_the_principal_is_answered(lasting: Lasting) -> None:
    """A browser's program stops where this is refused; nobody is in a group, and the caller is who they are."""
    answer = expand(lasting, GROUPS, "/anna/")
    assert answer.xml.find(".//D:group-membership/*", NS) is None
    assert answer.xml.findtext(".//D:current-user-principal/D:response/D:href", "", NS) == "/anna/"


def test_nobody_else_is_reached(lasting: Lasting) -> None:
    """However properties are nested, only the caller's own resources come, with nothing that others hide."""
    every = ("owner", "principal-collection-set", "current-user-principal", "acl", "group", "group-member-set")
    content = "".join(nested(one, other, "acl", "displayname") for one in every for other in every)
    for path in ("/", "/anna/", BOOK, lasting.circle.entry):
        answer = expand(lasting, content, path)
        assert {node.text for node in answer.xml.iter("{DAV:}href")} <= {"/", "/anna/", path}
        assert b"ben" not in answer.body
        assert [secret for secret in SECRETS if secret.encode() in answer.body] == []


def test_what_does_not_exist_has_no_properties(lasting: Lasting) -> None:
    """An entry or a book that is not there is answered with 404."""
    for path in ("/anna/contacts/nothing.vcf", "/anna/elsewhere/"):
        assert expand(lasting, nested("owner"), path).status == 404


@pytest.mark.parametrize(("levels", "status"), [(8, 207), (9, 400), (60, 400), (70, 400)])
def test_a_request_is_nested_as_deep_as_anybody_needs(lasting: Lasting, levels: int, status: int) -> None:
    """Eight levels are answered, more are refused, before anything is read."""
    assert expand(lasting, nested(*["current-user-principal"] * levels)).status == status


@pytest.mark.parametrize(("count", "status"), [(255, 207), (256, 400)])
def test_a_request_asks_for_as_much_as_anybody_needs(lasting: Lasting, count: int, status: int) -> None:
    """256 properties are answered, counted on all levels together, and more are refused."""
    inside = "".join(f'<D:property name="x{number}"/>' for number in range(count))
    assert expand(lasting, f'<D:property name="owner">{inside}</D:property>').status == status


@pytest.mark.parametrize(
    "attributes",
    [
        *(
            'name=""',
            "",
            'name="a b"',
            'name="&gt;&lt;x/&gt;"',
            'name="a:b"',
            'name="1"',
            'name="x{y}"',
            'name="&#10;"',
        ),
        'name="x" namespace="http://www.w3.org/2000/xmlns/"',
    ],
)
def test_a_name_that_xml_does_not_allow_is_refused(lasting: Lasting, attributes: str) -> None:
    """A name comes back as an element, so what cannot be one is a bad request."""
    assert expand(lasting, f"<D:property {attributes}/>").status == 400


@pytest.mark.parametrize(
    "namespace", ["&lt;&quot;&amp;", "urn:x y", "http://www.w3.org/XML/1998/namespace", "{}", "}x{", "ä"]
)
def test_a_namespace_comes_back_as_it_was(lasting: Lasting, namespace: str) -> None:
    """Whatever the namespace, the answer is well-formed and names the property that was asked for, or it is refused."""
    answer = expand(lasting, f'<D:property name="lang" namespace="{namespace}"/>')
    assert answer.status in (207, 400)
    if answer.status == 207:
        (node,) = answer.xml.iterfind("D:response/D:propstat[D:status='HTTP/1.1 404 Not Found']/D:prop/*", NS)
        assert etree.QName(node).localname == "lang"
