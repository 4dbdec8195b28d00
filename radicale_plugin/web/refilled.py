"""
A page shown again with what was typed in one of its forms: what scripts do in a browser that has them.

The page is made as if it were opened anew, in whatever language was chosen meanwhile, and what was sent is put into the
form whose address is the same; of several, that about the same thing. Passwords are not put anywhere, and neither is a
file, which only a person can choose.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from flask import current_app, g, request
from flask.ctx import RequestContext
from flask.globals import app_ctx, request_ctx
from lxml import html
from lxml.html import builder

from radicale_plugin.web.page import is_own

#: Names and what was sent under each, in its order.
Sent = dict[str, list[str]]
#: How the names begin of what only goes along with a form.
ALONG = "kept"
#: What is in the name of what is typed again.
_NEVER = ("password", "csrf_token")
_NEVER_BY_NAME = frozenset(("old", "new"))
_TICKED = ("checkbox", "radio")
_NO_TEXT = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_LEFT_ALONE = ("submit", "button", "image", "reset", "file", "password")


class Refilled(NamedTuple):
    """A page with what was sent in its form, and whether there is anything in that which a person types or chooses."""

    text: str
    is_typed: bool


def shown_again(path: str, action: str, sent: Sent, language: str) -> Refilled | None:
    """Return the page at *path* with *sent* in its form for *action*; None where there is no such page or form."""
    text = _opened(path, language)
    return None if text is None else refilled(text, path, action, sent)


def is_secret(name: str) -> bool:
    """Whether what is typed in a field of this *name* is never kept."""
    return name in _NEVER_BY_NAME or any(part in name for part in _NEVER)


def refilled(text: str, path: str, action: str, sent: Sent) -> Refilled | None:
    """Return a page, which was opened at *path*, with *sent* in its form for *action*; None where it has none."""
    document = html.document_fromstring(text)
    for form in document.forms:
        # The page is shown at another address than its own.
        form.set("action", form.get("action") or path)
    there = [each for each in document.forms if each.method == "POST" and action in _goes_to(document, each)]
    found = [each for each in there if _has_all(document, each, sent)]
    if not found:
        return None
    form = max(found, key=lambda each: _likeness(document, each, sent))
    is_typed = any(_kind(each) != "hidden" for each in _fields(document, form))
    _fill(document, form, {name: [_NO_TEXT.sub("", value) for value in values] for name, values in sent.items()})
    document.xpath("//body")[0].set("data-at", path)
    return Refilled(html.tostring(document, encoding="unicode", doctype="<!doctype html>"), is_typed)


def _opened(path: str, language: str) -> str | None:
    if not is_own(path):
        return None
    below, _, query = path.removeprefix(request.script_root).partition("?")
    of_the_form = ("CONTENT_", "HTTP_HX", "werkzeug.")
    opening = {name: value for name, value in request.environ.items() if not name.startswith(of_the_form)}
    opening |= {"REQUEST_METHOD": "GET", "PATH_INFO": below, "QUERY_STRING": query}
    # Whoever signed in just now is signed in there as well, and what is to be said is said once.
    with RequestContext(app_ctx.app, opening, session=request_ctx.session):
        g.language = language
        answer = current_app.full_dispatch_request()
    return answer.get_data(as_text=True) if answer.status_code == 200 and answer.mimetype == "text/html" else None


def _fill(document: html.HtmlElement, form: html.FormElement, sent: Sent) -> None:
    shown = list(_fields(document, form))
    # What is ticked finds its own value; the others take what is left, in their order.
    for element in sorted(shown, key=lambda each: _kind(each) not in _TICKED):
        if _kind(element) != "hidden":
            _put(element, sent.get(element.get("name", ""), []))
    _keep_hidden(form, [each for each in shown if _kind(each) == "hidden"], sent)
    form.set("data-changed-already", "")
    row = next(form.iterancestors("details"), None)
    if row is not None:
        row.set("open", "")


def _goes_to(document: html.HtmlElement, form: html.FormElement) -> set[str]:
    """Return where a form is sent by any of its buttons."""
    others = (str(each.get("formaction", "")).partition("#")[0] for each in _all_of(document, form))
    return {str(form.get("action")), *others}


def _has_all(document: html.HtmlElement, form: html.FormElement, sent: Sent) -> bool:
    """Whether a form can be what was sent: of several steps at one address, another may ask for something else."""
    names = {each.get("name") for each in _all_of(document, form)}
    return all(name in names or name.startswith(ALONG) for name in sent)


def _likeness(document: html.HtmlElement, form: html.FormElement, sent: Sent) -> int:
    """Return how much of what a form says of itself was sent with it: rows of a list have forms for one address."""
    hidden = [each for each in _fields(document, form) if _kind(each) == "hidden"]
    return sum(each.get("value", "") in sent.get(str(each.get("name")), []) for each in hidden)


def _fields(document: html.HtmlElement, form: html.FormElement) -> Iterator[html.HtmlElement]:
    for element in _all_of(document, form):
        name, is_field = element.get("name"), element.tag in ("input", "select", "textarea")
        if is_field and name and not is_secret(name) and _kind(element) not in _LEFT_ALONE:
            yield element


def _all_of(document: html.HtmlElement, form: html.FormElement) -> list[html.HtmlElement]:
    """Return whatever is within a form, and what is for it elsewhere on its page."""
    identity = form.get("id")
    beside = document.xpath("//*[@form=$form]", form=identity) if identity else []
    return [*form.iterdescendants("*"), *beside]


def _kind(element: html.HtmlElement) -> str:
    return str(element.get("type", "text")).lower() if element.tag == "input" else str(element.tag)


def _put(element: html.HtmlElement, values: list[str]) -> None:
    """Put what was sent into one element, and take it from *values*."""
    ticked = element.get("value", "on")
    if _kind(element) in _TICKED:
        element.attrib.pop("checked", None)
        if ticked in values:
            values.remove(ticked)
            element.set("checked", "")
    elif isinstance(element, html.SelectElement):
        if values and values[0] in element.value_options:
            element.value = values.pop(0)
    elif values:
        said = values.pop(0)
        if element.tag == "textarea":
            # The first end of a line in it belongs to the mark-up.
            element.text = f"\n{said}"
        else:
            element.set("value", said)


def _keep_hidden(form: html.FormElement, hidden: Sequence[html.HtmlElement], sent: Sent) -> None:
    """Let the form say of itself what it said when it was opened: what somebody saw then is what they changed."""
    for element in hidden:
        element.drop_tree()
    for name in dict.fromkeys(str(element.get("name")) for element in hidden):
        for value in sent.get(name, []):
            form.append(builder.INPUT(type="hidden", name=name, value=value))
