"""What is put together once for all pages says what Flask and WTForms would say each time."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
import wtforms
from flask import Flask

from radicale_plugin.web.forms import Form, SelectField, choice
from radicale_plugin.web.language import lazy
from tests.support.forms import portal_of
from tests.support.site import Site

#: Ids and words, and what must be quoted, is left out, or is no word.
IDS: tuple[object, ...] = (1, 2**63 - 1, True, "7", "007")
WORDS: tuple[object, ...] = ("mobile", "name-parts", "a.b_c", "..", "a b", "a%20b", "a+b", "a/b", "ä?&=#", "%(x)s", 5)
MORE: tuple[dict[str, Any], ...] = (
    {},
    {"open": 3, "kind": "mobile"},
    {"kind": "mobile", "open": 3},
    {"open": None, "q": "Ben & Co"},
    {"q": ["a", "b"]},
    {"q": "a+b"},
    {"q": "ä"},
    {"_anchor": "field-3"},
    {"_anchor": "ä b", "open": 3},
    {"_external": True},
)


def _said(build: Any, portal: Flask, endpoint: str, values: dict[str, Any]) -> str:
    try:
        return str(build(portal, endpoint, **values))
    except (LookupError, ValueError) as error:
        return type(error).__name__


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_every_address_is_what_flask_makes_of_it(site: Site, method: str) -> None:
    portal = portal_of(site)
    rules = [rule for rule in portal.url_map.iter_rules() if "<path:" not in rule.rule]
    assert len(rules) > 200
    with portal.test_request_context("/", method=method):
        for number, rule in enumerate(rules):
            kinds = [IDS if f"<int:{name}>" in rule.rule else WORDS for name in rule.arguments]
            # In another order for each, so that a pattern is not always made of the plainest.
            given: list[Any] = list(itertools.product(*kinds, MORE))
            for chosen in given[number % len(given) :] + given[: number % len(given)]:
                values = {**dict(zip(rule.arguments, chosen, strict=False)), **chosen[-1]}
                said = _said(type(portal).url_for, portal, rule.endpoint, values)
                assert said == _said(Flask.url_for, portal, rule.endpoint, values), (rule, values)


def test_what_there_is_no_page_for_has_no_address(site: Site) -> None:
    portal = portal_of(site)
    with portal.test_request_context("/"):
        for values in ({}, {"field_id": 1}, {"field_id": "word"}):
            assert _said(type(portal).url_for, portal, "card.nowhere", values) == "BuildError"
        assert _said(type(portal).url_for, portal, "card.edit", {}) == "BuildError"


def test_a_list_of_choices_is_what_wtforms_makes_of_it(site: Site) -> None:
    choices = [choice("", "–"), choice("\"<&>'", "\"<&>'"), choice("a", lazy("Save")), choice("b", ""), choice("5", 5)]

    class Ours(Form):
        field = SelectField("One", choices=choices)

    class Theirs(Form):
        field = wtforms.SelectField("One", choices=choices)

    with portal_of(site).test_request_context("/", headers={"Accept-Language": "zh"}):
        for value in ("", "a", "\"<&>'", "5", "x"):
            assert str(Ours(field=value).field(id="x")) == str(Theirs(field=value).field(id="x"))
