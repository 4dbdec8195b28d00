"""What the lines of an Apple group are called, and the labels by which a field is known again when it comes back."""

from __future__ import annotations

import re

from sync.vcard import Parameters, Property, escape, unescape

LABEL = "X-ABLABEL"
KIND_PARAMETER = "X-EVERCARD-KIND"
"""Names the kind of a labelled property whose label is the person's own and therefore tells nothing."""
MADE = "X-EVERCARD-MADE"
"""Marks a line that says over again what another one says, for a program that does not show that one."""

_BRACKETS = re.compile(r"_\$!<(.*)>!\$_", re.DOTALL)

DEFAULT_LABELS: dict[str, tuple[str, ...]] = {
    "hobby": ("Hobby", "Hobbies", "爱好", "愛好", "兴趣爱好"),
    "interest": ("Interest", "Interests", "兴趣", "興趣"),
    "expertise": ("Expertise", "专长", "專長", "特长"),
    "school": ("School", "Schools", "学校", "學校", "母校", "毕业院校"),
    "bank-account": ("Bank account", "银行账号", "银行帐号", "银行账户", "银行帐户", "銀行帳號", "銀行賬號"),
    "anniversary": ("Anniversary", "周年纪念", "周年纪念日", "纪念日", "週年紀念", "紀念日"),
    "qq": ("QQ",),
    "msn": ("MSN",),
    "wechat": ("WeChat", "微信", "微信号"),
}
"""By kind: the label that is written, and the others that mean the same."""

_KINDS = {label.casefold(): kind for kind, labels in DEFAULT_LABELS.items() for label in labels}
# A birthday has a property, and a label only where there are two.
_KINDS |= dict.fromkeys(("birthday", "生日"), "birthday")
NAMED_DATES = frozenset(("anniversary", "birthday"))
NAMED_TEXTS = frozenset(("hobby", "interest", "expertise", "school", "bank-account"))


#: Lines that say something about another one and nothing by themselves.
_STRAYS = ("X-ABLABEL", "X-ABADR", "X-APPLE-SUB")


def is_stray(name: str) -> bool:
    """Whether a property called *name* that has lost what it belonged to says nothing any more."""
    return name.startswith(_STRAYS)


def plain_label(raw: str) -> str:
    """The text of an X-ABLabel value, without the brackets that mark Apple's own labels."""
    text = unescape(raw).strip()
    apple = _BRACKETS.fullmatch(text)
    return apple[1] if apple else text


def kind_of_label(label: str) -> str:
    """The kind that *label* stands for, or nothing."""
    return _KINDS.get(label.casefold(), "")


def is_default(kind: str, label: str) -> bool:
    """Whether *label* says no more than that the field is of *kind*."""
    return not label or kind_of_label(label) == kind


def label_line(text: str) -> Property:
    """The companion that labels a field with *text*."""
    return Property("", LABEL, (), escape(text))


def marked(kind: str, label: str, params: Parameters) -> Parameters:
    """*params* with the kind in them where *label* would not tell it."""
    rest = tuple(pair for pair in params if pair[0] != KIND_PARAMETER)
    return rest if is_default(kind, label) else (*rest, (KIND_PARAMETER, (kind,)))
