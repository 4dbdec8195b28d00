"""
Every page of the portal, as the tests walk through them. A page whose address has parameters gets a line here.

`PARAMETERS` says, by endpoint, what the parameters of its address are for Anna, one of the demo's people; several
lines show it in several states. A GET that is no page, such as a download, is in `NO_PAGE`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from radicale_plugin.web.application import Portal
from sync import visits
from sync.database import Session

#: Called with a session and the ids of the people by their logins.
Parameters = Callable[[Session, Mapping[str, int]], list[dict[str, Any]]]
WHO = "anna"

PARAMETERS: dict[str, Parameters] = {
    "account.end": lambda session, ids: [{"visit_id": visit.id} for visit in visits.visits_of(session, ids[WHO])[:1]],
}
NO_PAGE = {"static"}


def addresses(portal: Portal, method: str, session: Session, ids: Mapping[str, int]) -> Iterator[tuple[str, str]]:
    """Yield the endpoint and the path below ``/.web`` of everything that takes *method*, in a stable order."""
    urls = portal.url_map.bind("evercard.test")
    for rule in sorted(portal.url_map.iter_rules(), key=lambda rule: rule.endpoint):
        if method not in (rule.methods or set()) or rule.endpoint == "static":
            continue
        given: list[dict[str, Any]] = [{}]
        if rule.endpoint in PARAMETERS:
            given = PARAMETERS[rule.endpoint](session, ids)
        elif rule.arguments:
            raise AssertionError(f"{rule.endpoint} has parameters: tell them in PARAMETERS of tests/portal/walk.py")
        assert given, f"{rule.endpoint} is visited nowhere"
        for values in given:
            yield rule.endpoint, urls.build(rule.endpoint, values, method=method)
