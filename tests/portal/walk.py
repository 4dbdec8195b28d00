"""
Every page of the portal, as the tests walk through them. A page whose address has parameters gets a line here.

`PARAMETERS` says, by endpoint, what the parameters of its address are for Anna, one of the demo's people, in the path
or in the query; several lines show it in several states. A GET that is no page, such as a download, is in `NO_PAGE`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from sync import tickets, visits
from sync.database import Session
from tests.support.forms import portal_of
from tests.support.site import Site

#: Called in a writing transaction, with the ids of the people by their logins.
Parameters = Callable[[Session, Mapping[str, int]], list[dict[str, Any]]]
WHO = "anna"


def _ticket(purpose: str, **values: str) -> Parameters:
    def issue(session: Session, ids: Mapping[str, int]) -> list[dict[str, Any]]:
        return [{"token": tickets.issue(session, purpose, ids[WHO], values, lifetime=tickets.HOUR)}]

    return issue


PARAMETERS: dict[str, Parameters] = {
    "account.end": lambda session, ids: [{"visit_id": visit.id} for visit in visits.visits_of(session, ids[WHO])[:1]],
    "forgotten.confirm": _ticket("confirm", email="anna@example.org"),
    "forgotten.reset": _ticket("reset"),
}
NO_PAGE = {"static"}


def addresses(site: Site, method: str, ids: Mapping[str, int]) -> list[tuple[str, str]]:
    """Return the endpoint and the path below ``/.web`` of everything that takes *method*, in a stable order."""
    portal = portal_of(site)
    urls = portal.url_map.bind("evercard.test")
    found = []
    for rule in sorted(portal.url_map.iter_rules(), key=lambda rule: (rule.endpoint, rule.rule)):
        if method not in (rule.methods or set()) or rule.endpoint == "static":
            continue
        given: list[dict[str, Any]] = [{}]
        if rule.endpoint in PARAMETERS:
            given = site.database.write(lambda session, name=rule.endpoint: PARAMETERS[name](session, ids))  # type: ignore[misc]
        elif rule.arguments:
            raise AssertionError(f"{rule.endpoint} has parameters: tell them in PARAMETERS of tests/portal/walk.py")
        assert given, f"{rule.endpoint} is visited nowhere"
        found += [(rule.endpoint, urls.build(rule.endpoint, values, method=method)) for values in given]
    return found
