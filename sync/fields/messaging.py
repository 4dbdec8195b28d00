"""
Instant messengers, which every program writes in a way of its own.

Apple's programs show the service that X-SERVICE-TYPE names, whatever the URI is; others show the scheme of the URI. So
3.0 gets the former and 4.0 the latter, and both are read back as the same account.
"""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote, unquote

from sync.vcard import Property, unescape


@dataclass(frozen=True, slots=True)
class Service:
    """
    A messenger: the *kind* of its fields, its *name* and URI *scheme*, and the *apple* scheme of its URIs in 3.0.

    *labelled* ones are shown by Apple's programs under the label of their group.
    """

    kind: str
    name: str
    scheme: str
    apple: str
    labelled: bool = False


_SERVICES = {
    "qq": Service("qq", "QQ", "qq", "x-apple", labelled=True),
    "msn": Service("msn", "MSN", "msnim", "msnim", labelled=True),
    "wechat": Service("wechat", "微信号", "wechat", "x-apple", labelled=True),
    "aim": Service("im", "AIM", "aim", "aim"),
    "icq": Service("im", "ICQ", "icq", "icq"),
    "yahoo": Service("im", "Yahoo", "ymsgr", "ymsgr"),
    "jabber": Service("im", "Jabber", "xmpp", "xmpp"),
    "googletalk": Service("im", "GoogleTalk", "xmpp", "xmpp"),
    "facebook": Service("im", "Facebook", "xmpp", "xmpp"),
    "skype": Service("im", "Skype", "skype", "skype"),
    "gadugadu": Service("im", "GaduGadu", "gg", "x-apple"),
}
_ALIASES = {
    "微信": "wechat",
    "微信号": "wechat",
    "weixin": "wechat",
    "msnim": "msn",
    "gtalk": "googletalk",
    "google talk": "googletalk",
    "ymsgr": "yahoo",
    "xmpp": "jabber",
    "gg": "gadugadu",
    "gadu-gadu": "gadugadu",
}
LEGACY_SERVICES = {
    "X-QQ": "qq",
    "X-MSN": "msn",
    "X-WECHAT": "wechat",
    "X-WEIXIN": "wechat",
    "X-AIM": "aim",
    "X-ICQ": "icq",
    "X-YAHOO": "yahoo",
    "X-JABBER": "jabber",
    "X-GTALK": "googletalk",
    "X-GOOGLE-TALK": "googletalk",
    "X-SKYPE": "skype",
    "X-SKYPE-USERNAME": "skype",
    "X-GADUGADU": "gadugadu",
    "X-GROUPWISE": "groupwise",
    "X-MS-IMADDRESS": "",
}
"""Property names that are as old as the services, with the services that they mean."""

_SERVICE_PARAMETERS = ("X-SERVICE-TYPE", "SERVICE-TYPE")
_ANONYMOUS = frozenset(("x-apple", ""))


def service_of(main: Property, label: str = "") -> Service:
    """The service of an IMPP or X- property; *label* decides where nothing else tells."""
    if main.name != "IMPP":
        return _named(LEGACY_SERVICES[main.name], "")
    scheme, _ = _divided(main.value)
    name = next((value for key in _SERVICE_PARAMETERS for value in main.parameter(key)), "")
    if not name and scheme in _ANONYMOUS:
        name = label
    return _named(name, scheme)


def handle_of(main: Property) -> str:
    """What the account is called at its service."""
    return unescape(main.value).strip() if main.name != "IMPP" else unquote(_divided(main.value)[1]).strip()


def as_scheme(main: Property, label: str = "") -> Property:
    """Write *main* as IMPP whose scheme names the service (4.0)."""
    service = service_of(main, label)
    if not service.scheme:
        return main
    params = _without_service(main)
    if service_of(Property("", "IMPP", (), f"{service.scheme}:")) != service:
        params += (("X-SERVICE-TYPE", (service.name,)),)
    return Property("", "IMPP", params, _uri(service.scheme, handle_of(main)))


def as_apple(main: Property, label: str = "") -> Property:
    """Write *main* as IMPP whose X-SERVICE-TYPE names the service (3.0)."""
    service = service_of(main, label)
    if not service.scheme:
        return main
    params = (("X-SERVICE-TYPE", (service.name,)), *_without_service(main))
    return Property("", "IMPP", params, _uri(service.apple, handle_of(main)))


def account(service: str, handle: str) -> Property:
    """The account *handle* at *service*, as Apple's programs write it."""
    return as_apple(Property("", "IMPP", (("X-SERVICE-TYPE", (service,)),), _uri("x-apple", handle)))


def _named(name: str, scheme: str) -> Service:
    key = (name or scheme).strip().casefold()
    known = _SERVICES.get(_ALIASES.get(key, key))
    if known is not None:
        return known
    own = "" if scheme in _ANONYMOUS else scheme
    return Service("im", name or scheme, own, own)


def _without_service(main: Property) -> tuple[tuple[str, tuple[str, ...]], ...]:
    return tuple(pair for pair in main.params if pair[0] not in (*_SERVICE_PARAMETERS, "VALUE"))


def _divided(value: str) -> tuple[str, str]:
    scheme, colon, rest = value.partition(":")
    return (scheme.strip().lower(), rest) if colon else ("", value)


def _uri(scheme: str, handle: str) -> str:
    return f"{scheme}:{quote(handle, safe='@+!$&*=/?:-._~')}"
