"""What is too long for a field, or missing, is refused by the server as well, whatever a browser would have let in."""

from __future__ import annotations

import pytest

from radicale_plugin.web import forms
from sync.sharing import groups
from tests.portal.conftest import Cast
from tests.portal.test_pages import paths
from tests.portal.walk import WHO
from tests.support.factories import crowd, group
from tests.support.forms import Visitor
from tests.support.people import register
from tests.support.site import Site


@pytest.mark.parametrize(("kind", "most"), [("name", 4_000), ("note", 16_000), ("mobile", 4_000)])
def test_a_field_takes_no_more_than_its_form_says(site: Site, visitor: Visitor, kind: str, most: int) -> None:
    visitor.signed_in(register(site.database, "anna").id)
    path = f"/card/add/{kind}"
    letter = "1" if kind == "mobile" else "x"
    answer = visitor.post(path, {"text": letter * (most + 1), "label": ""})
    assert answer.status == 400
    assert str(most) in answer.text
    assert visitor.post(path, {"text": letter * (most // 4), "label": "x" * 101}).status == 400
    assert visitor.post(path, {"text": letter * (most // 4), "label": ""}).status == 303


def test_a_field_without_a_limit_of_its_own_has_one(site: Site, visitor: Visitor) -> None:
    visitor.signed_in(register(site.database, "anna").id)
    long = "x" * (forms.LONGEST + 1)
    assert visitor.post("/card/add/name-parts", {"family": long}).status == 400


def test_no_text_is_longer_than_any_form_asks_for(site: Site, visitor: Visitor) -> None:
    visitor.signed_in(register(site.database, "anna").id)
    assert visitor.post("/language", {"language": "x" * (forms.LONGEST_OF_ALL + 1)}).status == 413


def test_a_form_puts_no_more_people_into_a_group_than_others_can_wait_for(site: Site, visitor: Visitor) -> None:
    anna = register(site.database, "anna").id
    family = group(site.database, anna, "family")
    everybody = crowd(site.database, anna, groups.AT_ONCE + 1)
    visitor.signed_in(anna)
    answer = visitor.post(f"/groups/{family}/add", {"person": [str(each) for each in everybody]}).followed()
    assert f"At most {groups.AT_ONCE} people" in answer.text
    with site.database.reading() as session:
        assert groups.members(session, anna, family) == []


def test_where_something_has_to_be_chosen_the_list_says_so(cast_site: Site, cast: Cast) -> None:
    visitor = Visitor(cast_site).signed_in(cast.ids[WHO])
    lists = {}
    for _endpoint, path in paths(cast_site, cast):
        for chosen in visitor.get(path).followed().document.xpath("//form//select[option[@value=''][.='Choose']]"):
            lists[path, chosen.get("name")] = chosen.get("required")
    assert {name for _path, name in lists} == {"group_id", "what"}
    assert None not in lists.values()
