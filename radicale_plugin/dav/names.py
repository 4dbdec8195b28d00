"""XML names, and how they are written in answers."""

from __future__ import annotations

from xml.sax.saxutils import escape as escape_markup

DAV = "DAV:"
CARD = "urn:ietf:params:xml:ns:carddav"
CS = "http://calendarserver.org/ns/"

#: That of XML itself can be given no other prefix, and be nobody's default.
PREFIXES = {DAV: "D", CARD: "CR", CS: "CS", "http://www.w3.org/XML/1998/namespace": "xml"}
#: The attributes of every root element that we write.
NAMESPACES = ' xmlns:D="DAV:" xmlns:CR="urn:ietf:params:xml:ns:carddav" xmlns:CS="http://calendarserver.org/ns/"'

XML_TYPE = "application/xml; charset=utf-8"


def dav(name: str) -> str:
    """Return the full name of an element of WebDAV."""
    return f"{{{DAV}}}{name}"


def card(name: str) -> str:
    """Return the full name of an element of CardDAV."""
    return f"{{{CARD}}}{name}"


def tags(name: str) -> tuple[str, str]:
    """Return the start and the end tag of the element with this full name."""
    namespace, _, local = name[1:].partition("}") if name.startswith("{") else ("", "", name)
    prefix = PREFIXES.get(namespace)
    if prefix:
        return f"<{prefix}:{local}>", f"</{prefix}:{local}>"
    quoted = escape_markup(namespace, {'"': "&quot;"})
    return f'<{local} xmlns="{quoted}">', f"</{local}>"


def element(name: str, content: str = "") -> str:
    """Return an element with *content*, which is markup already."""
    start, end = tags(name)
    return f"{start}{content}{end}" if content else f"{start[:-1]}/>"


def text(value: str) -> str:
    """Write text as markup, carriage returns included, which a parser would drop otherwise."""
    if "&" in value:
        value = value.replace("&", "&amp;")
    if "<" in value:
        value = value.replace("<", "&lt;")
    if ">" in value:
        value = value.replace(">", "&gt;")
    return value.replace("\r", "&#13;")


def href(url: str) -> str:
    """Return a ``DAV:href`` element; *url* is percent-encoded."""
    return f"<D:href>{text(url)}</D:href>"
