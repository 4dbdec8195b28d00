"""
Access control as RFC 3744 has it: privileges, and the properties that tell them.

Methods are in `test_rfc3744_methods`, the reports (9.2 to 9.5) in `test_principal_reports`.

What does not apply, or is done otherwise:

- 2 and 4.3, groups: a person's groups are nobody's business but theirs, so that there is no principal for one.
- 3.5 and 7.5, unlock, and locks: nothing can be locked (RFC 4918, class 2).
- 5.1 and 5.2, owner and group, which can be set by PROPPATCH elsewhere: they are protected, as they MAY be.
- 5.3, Accept-Language: descriptions are in English only.
- 5.5 to 5.7, entries that deny, invert or are inherited, and principals that are required: there are none.
"""

from __future__ import annotations

import pytest
from lxml import etree

from tests.dav.asking import (
    BOOK,
    NAMES,
    NS,
    place,
    propertyupdate,
    propfind,
    report,
    responses,
    statuses,
)
from tests.support.site import Circle, Lasting, opened

EVERYWHERE = ("root", "principal", "book", "own", "entry")
ON_ALL = (
    *("owner", "group", "supported-privilege-set", "current-user-privilege-set", "acl", "acl-restrictions"),
    *("inherited-acl-set", "principal-collection-set"),
)
ON_PRINCIPALS = ("alternate-URI-set", "principal-URL", "group-member-set", "group-membership")
LANGUAGE = "{http://www.w3.org/XML/1998/namespace}lang"
READ = {"read", "read-acl", "read-current-user-privilege-set"}
WRITE = {"write", "write-content", "write-properties", "bind", "unbind"}
GRANTED = {
    "root": READ,
    "principal": READ | {"write-properties", "bind", "unbind"},
    "book": READ | WRITE,
    "own": READ | WRITE,
    "entry": READ | WRITE,
}


def prop(lasting: Lasting, which: str, *names: str) -> etree._Element:
    """Return the properties of a resource, all of which must be there."""
    wanted = "".join(f"<D:{name}/>" for name in names)
    answer = propfind(lasting.site, place(lasting.circle, which), wanted, person=lasting.circle.anna)
    (node,) = responses(answer).values()
    assert [status.text for status in node.findall("D:propstat/D:status", NS)] == ["HTTP/1.1 200 OK"]
    (found,) = node.findall("D:propstat/D:prop", NS)
    return found


def privileges(node: etree._Element | None) -> list[str]:
    """Return the names of the privileges that are children of a node."""
    assert node is not None
    return [etree.QName(child[0]).localname for child in node.findall("D:privilege", NS)]


@pytest.mark.parametrize("which", EVERYWHERE)
def test_every_resource_has_the_properties_of_access_control(lasting: Lasting, which: str) -> None:
    """All properties of section 5 are on every resource (RFC 3744, 5)."""
    assert {etree.QName(node).localname for node in prop(lasting, which, *ON_ALL)} == set(ON_ALL)


def test_a_principal_has_the_properties_of_principals(lasting: Lasting) -> None:
    """A principal has all properties of section 4, and a displayname that is not empty (RFC 3744, 4)."""
    found = prop(lasting, "principal", *ON_PRINCIPALS, "displayname", "resourcetype")
    assert found.findtext("D:displayname", "", NS) == "anna"
    assert found.find("D:resourcetype/D:principal", NS) is not None
    assert found.findtext("D:principal-URL/D:href", "", NS) == "/anna/"
    assert [name for name in ON_PRINCIPALS if found.find(f"D:{name}/*", NS) is not None] == ["principal-URL"]


@pytest.mark.parametrize("which", ["root", "book", "own", "entry"])
def test_what_is_no_principal_does_not_look_like_one(lasting: Lasting, which: str) -> None:
    """The properties of section 4 are on principals alone (RFC 3744, 4)."""
    names = "".join(f"<D:{name}/>" for name in ON_PRINCIPALS)
    answer = propfind(lasting.site, place(lasting.circle, which), names, person=lasting.circle.anna)
    assert "HTTP/1.1 200 OK" not in answer.body.decode()


@pytest.mark.parametrize("which", EVERYWHERE)
@pytest.mark.parametrize("body", ["", f"<D:propfind {NAMES}><D:allprop/></D:propfind>"])
def test_who_asks_for_all_properties_gets_none_of_these(lasting: Lasting, which: str, body: str) -> None:
    """A request for all properties should not be answered with these (RFC 3744, 4 and 5)."""
    where = place(lasting.circle, which)
    answer = lasting.site.call("PROPFIND", where, body, {"Depth": "0"}, person=lasting.circle.anna)
    found = {etree.QName(node).localname for node in answer.xml.iterfind(".//D:prop/*", NS)}
    assert found
    assert not found & {*ON_ALL, *ON_PRINCIPALS}


@pytest.mark.parametrize("which", EVERYWHERE)
def test_who_asks_for_the_names_of_properties_is_told_these(lasting: Lasting, which: str) -> None:
    """A request for names is answered with all that there are (RFC 4918, 9.1)."""
    body = f"<D:propfind {NAMES}><D:propname/></D:propfind>"
    where = place(lasting.circle, which)
    answer = lasting.site.call("PROPFIND", where, body, {"Depth": "0"}, person=lasting.circle.anna)
    found = {etree.QName(node).localname for node in answer.xml.iterfind(".//D:prop/*", NS)}
    assert {*ON_ALL, "supported-report-set", "current-user-principal"} <= found


@pytest.mark.parametrize("which", EVERYWHERE)
def test_a_person_s_resources_are_theirs(lasting: Lasting, which: str) -> None:
    """The owner is a principal of this server, or nobody (RFC 3744, 5.1), and no resource has a group (5.2)."""
    found = prop(lasting, which, "owner", "group", "principal-collection-set", "inherited-acl-set")
    assert found.findtext("D:owner/D:href", "", NS) == ("" if which == "root" else "/anna/")
    assert [name for name in ("group", "inherited-acl-set") if found.find(f"D:{name}/*", NS) is not None] == []
    assert found.findtext("D:principal-collection-set/D:href", "", NS) == "/"


@pytest.mark.parametrize("which", EVERYWHERE)
def test_the_privileges_of_a_person_are_told_with_what_they_contain(lasting: Lasting, which: str) -> None:
    """All privileges of the person who asks are listed, each once, and no abstract one (RFC 3744, 5.4)."""
    found = privileges(prop(lasting, which, "current-user-privilege-set")[0])
    assert set(found) == GRANTED[which]
    assert len(found) == len(set(found))


@pytest.mark.parametrize("which", EVERYWHERE)
def test_every_privilege_that_is_told_is_a_supported_one(lasting: Lasting, which: str) -> None:
    """The tree of privileges has all that are granted, each with a description and its language (RFC 3744, 5.3)."""
    root = prop(lasting, which, "supported-privilege-set").find("*/D:supported-privilege", NS)
    assert root is not None
    known = {privileges(node)[0]: node for node in root.iter("{DAV:}supported-privilege")}
    assert set(known) == READ | WRITE | {"all", "write-acl"}
    described = [node.find("D:description", NS) for node in known.values()]
    assert {said.get(LANGUAGE) for said in described if said is not None and said.text} == {"en"}
    assert None not in described
    inside = {privileges(node)[0] for node in known["write"].findall("D:supported-privilege", NS)}
    assert inside == WRITE - {"write"}
    assert [name for name, node in known.items() if node.find("D:abstract", NS) is not None] == ["all"]


@pytest.mark.parametrize("which", EVERYWHERE)
def test_privileges_contain_what_they_must_and_nothing_else(lasting: Lasting, which: str) -> None:
    """No privilege contains itself (RFC 3744, 3), all are in DAV: (3), and each has only what it may have (3.12)."""
    root = prop(lasting, which, "supported-privilege-set").find("*/D:supported-privilege", NS)
    assert root is not None
    tree = {privileges(node)[0]: node for node in root.iter("{DAV:}supported-privilege")}
    inside = {
        name: [privileges(child)[0] for child in node.iter("{DAV:}supported-privilege")][1:]
        for name, node in tree.items()
    }
    assert all(name not in contained for name, contained in inside.items())
    assert {etree.QName(node).namespace for node in root.iterfind(".//D:privilege/*", NS)} == {"DAV:"}
    assert set(inside["all"]) == set(tree) - {"all"}
    assert set(inside["write"]) == {"bind", "unbind", "write-properties", "write-content"}
    assert set(inside["read"]) == {"read-acl", "read-current-user-privilege-set"}
    assert [inside[name] for name in ("read-acl", "write-acl", "read-current-user-privilege-set")] == [[], [], []]


@pytest.mark.parametrize("which", EVERYWHERE)
def test_the_properties_of_access_control_are_protected(lasting: Lasting, which: str) -> None:
    """None of them is set by PROPPATCH (RFC 3744, 4.1, 4.2, 4.4 and 5.1 to 5.8)."""
    names = (*ON_ALL, *(ON_PRINCIPALS if which == "principal" else ()))
    for name in names:
        body = propertyupdate(f"<D:set><D:prop><D:{name}/></D:prop></D:set>")
        answer = lasting.site.call("PROPPATCH", place(lasting.circle, which), body, person=lasting.circle.anna)
        assert statuses(answer) == {name: "HTTP/1.1 403 Forbidden"}


@pytest.mark.parametrize("which", EVERYWHERE)
def test_the_access_control_list_has_one_entry_which_nobody_can_change(lasting: Lasting, which: str) -> None:
    """The list names the owner, or who has signed in, and grants exactly what they can do (RFC 3744, 5.5)."""
    found = prop(lasting, which, "acl", "supported-privilege-set")
    (ace,) = found.findall("D:acl/D:ace", NS)
    assert [etree.QName(node).localname for node in ace] == ["principal", "grant", "protected"]
    assert ace.findtext("D:principal/D:href", "", NS) == ("" if which == "root" else "/anna/")
    granted = set(privileges(ace.find("D:grant", NS)))
    tree = {privileges(node)[0]: node for node in found.iter("{DAV:}supported-privilege")}
    contained = {privileges(node)[0] for name in granted for node in tree[name].iter("{DAV:}supported-privilege")}
    assert contained == GRANTED[which]


@pytest.mark.parametrize("which", EVERYWHERE)
def test_the_restrictions_of_the_list_are_told(lasting: Lasting, which: str) -> None:
    """Nothing is denied, and nobody is meant by being excepted (RFC 3744, 5.6)."""
    restrictions = prop(lasting, which, "acl-restrictions")[0]
    assert [etree.QName(node).localname for node in restrictions] == ["grant-only", "no-invert"]


@pytest.mark.parametrize("depth", ["0", "1"])
def test_where_edits_are_refused_a_connection_s_entry_is_told_to_be_read_only(
    database_url: str, circle: Circle, monkeypatch: pytest.MonkeyPatch, depth: str
) -> None:
    """What is told is what is done, for each entry by itself; the address book stays writable (RFC 3744, 5.4, 5.5)."""
    monkeypatch.setenv("EVERCARD_CONNECTION_EDITS", "refuse")
    with opened(database_url) as strict:
        names = "<D:current-user-privilege-set/><D:acl/>"
        places = [BOOK] if depth == "1" else [circle.entry, circle.own, BOOK]
        found = {
            href: node
            for place in places
            for href, node in responses(propfind(strict, place, names, depth=depth, person=circle.anna)).items()
        }
        expanded = report(
            strict,
            circle.anna,
            f'<D:expand-property {NAMES}><D:property name="current-user-privilege-set"/></D:expand-property>',
            path=circle.entry,
        )
    told = {href: privileges(node.find(".//D:current-user-privilege-set", NS)) for href, node in found.items()}
    assert {href: set(names) for href, names in told.items()} == {
        circle.entry: READ,
        circle.own: READ | WRITE,
        BOOK: READ | WRITE,
    }
    assert {href: privileges(node.find(".//D:acl/D:ace/D:grant", NS)) for href, node in found.items()} == {
        circle.entry: ["read"],
        circle.own: ["read", "write"],
        BOOK: ["read", "write"],
    }
    assert set(privileges(expanded.xml.find(".//D:current-user-privilege-set", NS))) == READ


@pytest.mark.parametrize("path", [BOOK + "nothing.vcf", "/anna/nothing/", "/anna/nothing/x.vcf"])
def test_what_is_not_there_has_no_such_properties(lasting: Lasting, path: str) -> None:
    """A resource that does not exist MUST NOT have any of them (RFC 3744, 5)."""
    names = "".join(f"<D:{name}/>" for name in ON_ALL)
    assert propfind(lasting.site, path, names, person=lasting.circle.anna).status == 404
