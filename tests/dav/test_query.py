"""The addressbook-query report, besides what RFC 6352 says of it (`test_rfc6352_filters`): nothing hidden is found."""

from __future__ import annotations

from tests.dav.asking import query_body, report, responses, texts
from tests.dav.test_rfc6352_filters import NOT_DEFINED, match, prop
from tests.support.site import SECRETS, Lasting


def test_what_somebody_hides_cannot_be_found(lasting: Lasting) -> None:
    """Neither a hidden value nor whether there is one: filters see just what is served."""
    anna, site, entry = lasting.circle.anna, lasting.site, lasting.circle.entry
    for name, secret in zip(("TEL", "EMAIL", "NOTE"), SECRETS, strict=True):
        for filters in (prop(name, match(secret)), prop(name), prop(name, match(secret[:3], "starts-with"))):
            assert entry not in responses(report(site, anna, query_body(filters)))
        assert entry in texts(report(site, anna, query_body(prop(name, NOT_DEFINED))))
        assert entry not in texts(report(site, anna, query_body(prop(name, match(secret, negate="yes")))))


def test_other_reports_are_refused_by_name(lasting: Lasting) -> None:
    """A report of calendars or versions is not answered with an empty success."""
    for name in ('<C:calendar-query xmlns:C="urn:ietf:params:xml:ns:caldav"/>', '<D:version-tree xmlns:D="DAV:"/>'):
        answer = report(lasting.site, lasting.circle.anna, name)
        assert (answer.status, answer.condition) == (403, "{DAV:}supported-report")


def test_a_filter_with_more_conditions_than_anybody_has_is_refused(lasting: Lasting) -> None:
    """Each card is compared with each of them, so a few hundred must not become a few hundred thousand."""
    anna, site = lasting.circle.anna, lasting.site
    assert report(site, anna, query_body(prop("FN", match("x")) * 128)).status == 207
    for filters in (prop("FN", match("x")) * 129, prop("FN", match("x") * 256)):
        assert report(site, anna, query_body(filters)).status == 400
