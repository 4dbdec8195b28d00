"""
An e-mail as it looks: the same words as in the plain text, with buttons for its links, in Evercard's colours.

It asks nothing of any server: no picture, no font, no style sheet but its own lines for dark programs. Only addresses
that this server put into the text become links; what people wrote stays text.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from html import escape

_FONT = "-apple-system, 'Segoe UI', Roboto, 'PingFang SC', 'Microsoft YaHei', 'Noto Sans CJK SC', sans-serif"
_HEAD = "padding:14px 20px;border-radius:20px 20px 0 0;background:#0a3b2d;color:#f3fbf7;font-size:18px;font-weight:600"
#: What is otherwise where the reader's program is dark; it outdoes what stands beside each element.
_DARK = (
    "@media (prefers-color-scheme:dark){body{background:#0f1412!important;color:#e8eeea!important}"
    ".card{background:#181e1b!important;border-color:#2a322e!important}"
    ".quiet{color:#a6b2ac!important}.quiet a{color:#58cc9d!important}"
    ".go{background:#58cc9d!important;color:#04261a!important}}"
)
_PAGE = """<!doctype html>
<html lang="{language}"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<meta name="color-scheme" content="light dark"><style>{dark}</style><title>{subject}</title></head>
<body style="margin:0;padding:24px 12px;background:#f6f5f0;color:#18221d;font:16px/24px {font}">
<div class="card" style="max-width:34rem;margin:0 auto;background:#ffffff;border:1px solid #e3e1d8;border-radius:20px">
<div style="{head}">Evercard</div>
<div style="padding:24px 20px">
<h1 style="margin:0 0 16px;font-size:22px;line-height:30px;font-weight:600">{subject}</h1>
{paragraphs}
</div></div></body></html>
"""
_TEXT = '<p style="margin:0 0 16px">{}</p>'
_QUIET = '<p class="quiet" style="margin:24px 0 0;color:#55605a;font-size:14px;line-height:20px">{}</p>'
_BUTTON = (
    '<p style="margin:0 0 16px"><a class="go" href="{address}" style="display:inline-block;padding:12px 24px;'
    'border-radius:12px;background:#0b6a4d;color:#ffffff;font-weight:600;text-decoration:none">{words}</a></p>'
)
_LINK = '<a href="{address}" style="color:#0b6a4d">{words}</a>'


def page(subject: str, body: str, language: str, links: Collection[str]) -> str:
    """Return the HTML of an e-mail that says *body*; *links* are the addresses in it that may be followed."""
    paragraphs = "\n".join(_paragraphs(body, links))
    values = {"language": escape(language), "subject": escape(subject), "paragraphs": paragraphs}
    return _PAGE.format(font=_FONT, head=_HEAD, dark=_DARK, **values)


def _paragraphs(body: str, links: Collection[str]) -> Iterator[str]:
    for paragraph in body.strip().split("\n\n"):
        *lines, last = paragraph.split("\n")
        before, _space, word = last.rpartition(" ") if " " in last else last.rpartition("：")
        if last in links:
            yield _BUTTON.format(address=escape(last), words=_words(lines))
        elif word in links:
            yield _QUIET.format(_LINK.format(address=escape(word), words=_words([before])))
        else:
            yield _TEXT.format("<br>".join(map(escape, (*lines, last))))


def _words(lines: list[str]) -> str:
    """Return what a link says: the words before its address, without the colon."""
    return escape(" ".join(lines).strip().rstrip(":：").strip()) or "Evercard"
