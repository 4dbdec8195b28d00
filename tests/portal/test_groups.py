"""Groups, as somebody looks after them with forms."""

from __future__ import annotations

import pytest

from sync import meeting
from sync.queries import connected_people
from sync.sharing import connections, grants, groups
from sync.sharing.preferences import preferences_of
from tests.support.factories import (
    MOBILE,
    connect,
    connected,
    crowd,
    everybody_connected,
    field,
    group,
    people,
    person,
    seen,
    strangers,
)
from tests.support.forms import Page, Visitor
from tests.support.meeting import are_connected
from tests.support.site import Site
from tests.support.statements import sent


@pytest.fixture
def ids(site: Site) -> list[int]:
    """Anna, and Bert, Carl and Dora, to whom she is connected."""
    return connected(site.database, "anna", "bert", "carl", "dora")


@pytest.fixture
def visitor(site: Site, ids: list[int]) -> Visitor:
    """Return a browser in which Anna is signed in."""
    return Visitor(site).signed_in(ids[0])


def members(site: Site, owner_id: int, name: str) -> list[int]:
    with site.database.reading() as session:
        return list(groups.members(session, owner_id, groups.find(session, owner_id, name).id))


def newcomers(site: Site, owner_id: int) -> int | None:
    with site.database.reading() as session:
        return preferences_of(session, owner_id).newcomers_group_id


def rows(page: Page) -> list[str]:
    return [str(node.text_content()).split("\n")[0].strip() for node in page.document.xpath("//ul[@class]/li//h3/a")]


def test_a_group_is_made_and_filled(site: Site, ids: list[int], visitor: Visitor) -> None:
    anna, bert, carl, dora = ids
    page = visitor.get("/groups/").submit("/groups/", name="  Family ")
    assert page.document.xpath("//h1")[0].text_content() == "Family"
    assert "Its members see of your card what all your connections see, and nothing more." in page.text
    path = page.path
    page = visitor.get(f"{path}/add").submit(f"{path}/add", person=[str(bert), str(dora)])
    assert (page.path, page.told) == (path, ["2 people are added."])
    assert rows(page) == ["bert", "dora"]
    assert members(site, anna, "family") == sorted([bert, dora])
    assert [box.get("value") for box in visitor.get(f"{path}/add").document.xpath("//input[@name='person']")] == [
        str(carl)
    ]
    page = visitor.get(path).submit(f"{path}/members/{dora}/remove")
    assert page.told == ["Taken out of the group. You stay connected."]
    assert rows(page) == ["bert"]
    assert are_connected(site.database, anna, dora)


def test_a_group_is_said_to_see_what_it_sees_beside_all_connections(
    site: Site, ids: list[int], visitor: Visitor
) -> None:
    anna = ids[0]
    open_to_all, to_connections, to_group = (
        field(site.database, anna, kind, text)
        for kind, text in (("hobby", "Chess"), ("mobile", MOBILE), ("qq", "10001234"))
    )
    family = group(site.database, anna, "Family", [], [open_to_all, to_connections, to_group])
    for audience, field_id in ((strangers, open_to_all), (everybody_connected, to_connections)):
        group_id = audience(site.database, anna)
        site.database.write(lambda session, one=group_id, it=field_id: grants.grant(session, anna, one, [it]))  # type: ignore[misc]
    said = "Its members see 1 field of your card, beside what all your connections see."
    assert said in visitor.get(f"/groups/{family}").text


def test_who_is_put_into_a_group_sees_what_it_sees(site: Site, ids: list[int], visitor: Visitor) -> None:
    anna, bert, carl, _dora = ids
    family = group(site.database, anna, "family", [], [field(site.database, anna)])
    visitor.get(f"/groups/{family}/add").submit(f"/groups/{family}/add", person=str(bert))
    assert (seen(site.database, bert, anna), seen(site.database, carl, anna)) == ({MOBILE}, set())
    visitor.get(f"/groups/{family}").submit(f"/groups/{family}/members/{bert}/remove")
    assert seen(site.database, bert, anna) == set()


@pytest.mark.parametrize(
    ("name", "status", "told"),
    [
        ("family", 409, "There is a group 'family' already."),
        ("Strangers", 409, "There is a group 'Strangers' already."),
        ("", 400, "This field is required."),
        ("\x01 \u200b"[:2], 400, "A group's name has 1 to 100 characters."),
        ("x" * 101, 400, "Field cannot be longer than 100 characters."),
    ],
)
def test_a_name_that_cannot_be_is_explained_beside_it(
    site: Site, ids: list[int], visitor: Visitor, name: str, status: int, told: str
) -> None:
    group(site.database, ids[0], "Family")
    work = group(site.database, ids[0], "Work")
    for path in ("/groups/", f"/groups/{work}/rename"):
        page = visitor.get(path.removesuffix("/rename")).submit(path, name=name)
        assert page.status == status
        assert page.told == [told]
        assert page.fields(path)["name"] == name
    with site.database.reading() as session:
        found = [each.name for each in groups.groups_of(session, ids[0])]
        assert found == ["strangers", "connections", "Family", "Work"]


def test_a_group_is_renamed(site: Site, ids: list[int], visitor: Visitor) -> None:
    family = group(site.database, ids[0], "Family", [ids[1]])
    page = visitor.get(f"/groups/{family}").submit(f"/groups/{family}/rename", name='<b>"Clan"</b>')
    assert page.document.xpath("//h1")[0].text_content() == '<b>"Clan"</b>'
    assert members(site, ids[0], '<b>"clan"</b>') == [ids[1]]


def test_what_deleting_means_is_said_before_it_is_done(site: Site, ids: list[int], visitor: Visitor) -> None:
    anna, bert, carl, _dora = ids
    family = group(site.database, anna, "Family", [bert, carl], [field(site.database, anna)])
    visitor.get("/groups/").submit("/groups/newcomers", group=str(family))
    page = visitor.get(f"/groups/{family}/delete")
    for said in ("2 people are in this group", "1 field that it sees goes", "New connections land in it now."):
        assert said in page.text
    assert members(site, anna, "family") == sorted([bert, carl])
    page = page.submit(f"/groups/{family}/delete")
    assert (page.path, page.told) == (
        "/groups/",
        ["The group is deleted. Everybody who was in it is still connected to you."],
    )
    assert seen(site.database, bert, anna) == set()
    assert are_connected(site.database, anna, bert)
    assert newcomers(site, anna) is None
    assert visitor.post(f"/groups/{family}/delete").followed().told == ["There is no such group."]


def test_new_connections_land_where_one_says(site: Site, ids: list[int], visitor: Visitor) -> None:
    anna, new = ids[0], group(site.database, ids[0], "New")
    page = visitor.get("/groups/").submit("/groups/newcomers", group=str(new))
    assert page.told[0].startswith("That is where new connections land from now on.")
    assert "new connections land here" in page.text
    other = person(site.database, "emil")
    site.database.write(lambda session: meeting.ask(session, other, anna))
    site.database.write(lambda session: meeting.confirm(session, anna, other))
    assert members(site, anna, "New") == [other]
    visitor.get("/groups/").submit("/groups/newcomers", group="")
    assert newcomers(site, anna) is None
    for wrong in (str(strangers(site.database, anna)), "1", "x", "9" * 30):
        page = visitor.post("/groups/newcomers", {"group": wrong}).followed()
        assert page.told == ["There is no such group."] or page.status == 404, wrong
    assert newcomers(site, anna) is None


def test_groups_of_others_are_nowhere(site: Site, ids: list[int], visitor: Visitor) -> None:
    """So is the built-in group, into which nobody can be put."""
    anna, bert, carl, _dora = ids
    connect(site.database, bert, carl)
    theirs = group(site.database, bert, "Secret circle", [carl])
    for group_id in (theirs, strangers(site.database, anna), everybody_connected(site.database, anna), 1):
        for path in ("", "/add", "/delete"):
            answer = visitor.get(f"/groups/{group_id}{path}")
            assert answer.status == 404
            assert "Secret" not in answer.text
        for path, values in (
            ("/add", {"person": str(carl)}),
            ("/rename", {"name": "Mine"}),
            ("/delete", {}),
            (f"/members/{carl}/remove", {}),
        ):
            answer = visitor.post(f"/groups/{group_id}{path}", values).followed()
            assert "Secret" not in answer.text
            assert answer.status in (200, 404)
    assert members(site, bert, "Secret circle") == [carl]


def test_nobody_is_put_into_a_group_who_is_not_connected(site: Site, ids: list[int], visitor: Visitor) -> None:
    """Not even those who were chosen with them, so that nothing is done by halves."""
    family, (stranger,) = group(site.database, ids[0], "Family"), people(site.database, "stranger")
    for wrong in (stranger, ids[0], 1):
        page = visitor.post(f"/groups/{family}/add", {"person": [str(ids[1]), str(wrong)]}).followed()
        assert page.told == ["These two are not connected."]
    assert visitor.post(f"/groups/{family}/add", {"person": "x"}).status == 400
    assert visitor.post(f"/groups/{family}/members/{ids[1]}/remove").followed().told == [
        "This person is not in the group."
    ]
    assert members(site, ids[0], "Family") == []


def test_large_groups_are_searched_and_paged(
    site: Site, ids: list[int], visitor: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connected_people, "PAGE", 2)
    family = group(site.database, ids[0], "Family", ids[1:])
    assert rows(visitor.get(f"/groups/{family}")) == ["bert", "carl"]
    page = visitor.get(f"/groups/{family}?page=2")
    assert rows(page) == ["dora"]
    assert "Page 2 of 2" in page.text
    assert rows(visitor.get(f"/groups/{family}?q=DOR")) == ["dora"]
    assert "Nobody is called so." in visitor.get(f"/groups/{family}?q=emil").text
    site.database.write(lambda session: connections.disconnect(session, ids[0], ids[3]))
    assert rows(visitor.get(f"/groups/{family}?page=2")) == ["bert", "carl"]


def test_a_group_takes_as_many_statements_however_many_are_in_it(site: Site, ids: list[int], visitor: Visitor) -> None:
    family = group(site.database, ids[0], "Family", granted=[field(site.database, ids[0])])
    counts = {path: set[int]() for path in ("/groups/", f"/groups/{family}", f"/groups/{family}/add")}
    for _ in range(2):
        crowd(site.database, ids[0], 10, [family])
        crowd(site.database, ids[0], 10)
        for path, found in counts.items():
            with sent(site.database.engine) as statements:
                assert visitor.get(path).status == 200
            found.add(len(statements))
    assert [len(found) for found in counts.values()] == [1, 1, 1], counts
