"""
Who may do what with a resource, as properties (RFC 3744, 5).

Nobody's rights can be changed over DAV: every list has one protected entry, which says what the server does.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from radicale_plugin.dav.names import dav, element, href
from radicale_plugin.dav.place import Table

#: What each privilege contains. ``write-acl`` is there because the standard has it; nobody has it.
_CONTAINS: Mapping[str, tuple[str, ...]] = {
    "all": ("read", "write", "write-acl"),
    "read": ("read-acl", "read-current-user-privilege-set"),
    "write": ("write-content", "write-properties", "bind", "unbind"),
}
_SAID = {
    "all": "Everything",
    "read": "Read",
    "read-acl": "Read who may do what",
    "read-current-user-privilege-set": "Read what one may do oneself",
    "write": "Change",
    "write-content": "Change the content",
    "write-properties": "Change properties",
    "bind": "Add entries",
    "unbind": "Remove entries",
    "write-acl": "Change who may do what",
}


def access(*granted: str, owned: bool = True) -> Table:
    """
    Return the properties of a resource whose owner was granted these privileges, and nobody else any.

    One that is not *owned* is the server's; then everybody who has signed in was granted them.
    """
    current = _privileges(name for top in granted for name in _with_contents(top))
    grant = element(dav("grant"), _privileges(granted)) + element(dav("protected"))
    return {
        dav("owner"): lambda place: href(place.principal) if owned else "",
        dav("group"): lambda _: "",
        dav("supported-privilege-set"): lambda _: _SUPPORTED,
        dav("current-user-privilege-set"): lambda _: current,
        dav("acl"): lambda place: element(
            dav("ace"),
            element(dav("principal"), href(place.principal) if owned else element(dav("authenticated"))) + grant,
        ),
        dav("acl-restrictions"): lambda _: element(dav("grant-only")) + element(dav("no-invert")),
        dav("inherited-acl-set"): lambda _: "",
        dav("principal-collection-set"): lambda place: href(place.root),
    }


def _privileges(names: Iterable[str]) -> str:
    return "".join(element(dav("privilege"), element(dav(name))) for name in names)


def _with_contents(name: str) -> Iterator[str]:
    yield name
    for inside in _CONTAINS.get(name, ()):
        yield from _with_contents(inside)


def _supported(name: str) -> str:
    # In an entry of a list "all" would be a promise of things that are not there yet.
    abstract = element(dav("abstract")) if name == "all" else ""
    said = f'<D:description xml:lang="en">{_SAID[name]}</D:description>'
    inside = "".join(_supported(contained) for contained in _CONTAINS.get(name, ()))
    return element(dav("supported-privilege"), element(dav("privilege"), element(dav(name))) + abstract + said + inside)


_SUPPORTED = _supported("all")
#: No request for all properties gets these (RFC 3744, 5).
NAMES = frozenset(access())
#: Those of them that tell what was granted.
GRANTS = frozenset({dav("current-user-privilege-set"), dav("acl")})
