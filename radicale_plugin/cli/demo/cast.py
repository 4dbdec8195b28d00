"""
The people of the demo: those of the example that Evercard was built after.

Anna sorts the people she knows into family, net friends and colleagues, and shows each something else. Ivy knows all
five: Bo and David let strangers see what they show, Emil shows strangers nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

STRANGERS = "strangers"


@dataclass(frozen=True, slots=True)
class Line:
    """A field: its *kind*, what it says, and what the person calls it."""

    kind: str
    text: str
    label: str = ""


@dataclass(frozen=True, slots=True)
class Circle:
    """A group: who is in it, and which fields it may see, as they are addressed on the command line."""

    name: str
    members: tuple[str, ...]
    granted: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody with an account. *about* says what they are to Anna; *initials* and *colour* make their photo."""

    login: str
    name: str
    about: str
    initials: str
    colour: str
    lines: tuple[Line, ...]
    circles: tuple[Circle, ...]


ANNA = Person(
    "anna",
    "陈安娜 Anna Chen",
    "shows everybody something else",
    "AC",
    "#7b3f61",
    (
        Line("mobile", "+86 138 0013 8000"),
        Line("mobile", "+852 5555 0138", "Hong Kong"),
        Line("home-phone", "+86 10 5555 0120"),
        Line("office-phone", "+86 10 5555 0121"),
        Line("qq", "10001234"),
        Line("email", "anna@y.example", "Mailbox Y"),
        Line("email", "anna@z.example", "Mailbox Z"),
        Line("bank-account", "6222 0000 0000 0138"),
        Line("birthday", "1986-07-14"),
        Line("hobby", "Rock climbing"),
        Line("hobby", "书法"),
        Line("school", "Tsinghua University"),
        Line("school", "北京四中"),
        Line("organization", "Lantern Press"),
        Line("address", ";;Chengfu Road 35;Beijing;;100084;China"),
    ),
    (
        Circle(STRANGERS, (), ("name",)),
        Circle("family", ("bo",), ("mobile:1", "bank-account", "office-phone")),
        Circle("net friends", ("chiara",), ("qq", "email:Mailbox Y")),
        Circle("colleagues", ("david",), ("mobile:1", "email:Mailbox Z")),
    ),
)
BO = Person(
    "bo",
    "陈博 Chen Bo",
    "her father, in her group family",
    "CB",
    "#2f5d8a",
    (
        Line("mobile", "+86 139 0013 9000"),
        Line("home-phone", "+86 10 5555 0120"),
        Line("email", "chenbo@mail.example"),
        Line("birthday", "1957-03-02"),
        Line("hobby", "Fishing"),
        Line("school", "Nankai University"),
        Line("address", ";;Weijin Road 94;Tianjin;;300071;China"),
    ),
    (
        Circle(STRANGERS, (), ("name", "photo", "mobile", "hobby")),
        Circle("family", ("anna",), ("home-phone", "email", "birthday", "address")),
    ),
)
CHIARA = Person(
    "chiara",
    "Chiara Rossi",
    "a friend from the net, in her group net friends",
    "CR",
    "#b3541e",
    (
        Line("nickname", "kiki"),
        Line("mobile", "+39 312 555 0147"),
        Line("msn", "kiki@im.example"),
        Line("email", "chiara@posta.example"),
        Line("birthday", "--05-21"),
        Line("hobby", "Chess"),
        Line("interest", "Typography"),
        Line("url", "https://kiki.example/"),
    ),
    (
        Circle(STRANGERS, (), ("name", "nickname")),
        Circle("chess", ("anna",), ("photo", "msn", "birthday", "hobby", "url")),
    ),
)
DAVID = Person(
    "david",
    "大卫·穆勒 David Müller",
    "a colleague, in her group colleagues",
    "DM",
    "#3c6e47",
    (
        Line("office-phone", "+49 30 5555 0190"),
        Line("mobile", "+49 151 5555 0190"),
        Line("mobile", "+86 137 0013 7000", "China"),
        Line("email", "mueller@z.example"),
        Line("organization", "Lantern Press; Print"),
        Line("title", "Typesetter"),
        Line("hobby", "Sailing"),
        Line("school", "TU Berlin"),
    ),
    (
        Circle(STRANGERS, (), ("name", "photo", "office-phone", "hobby")),
        Circle("work", ("anna",), ("mobile:all", "email", "organization", "title")),
    ),
)
EMIL = Person(
    "emil",
    "Emil Lindqvist",
    "in none of her groups",
    "EL",
    "#8a6d1f",
    (
        Line("mobile", "+46 70 555 01 23"),
        Line("email", "emil@post.example"),
        Line("hobby", "Orienteering"),
    ),
    (Circle("friends", ("anna", "ivy"), ("name", "mobile")),),
)
IVY = Person(
    "ivy",
    "王艾薇 Ivy Wang",
    "knows all five; strangers see what Bo and David show, not what Emil does",
    "IW",
    "#5b4b8a",
    (
        Line("mobile", "+86 136 0013 6000"),
        Line("wechat", "ivy_wang"),
        Line("hobby", "Baking"),
    ),
    (Circle(STRANGERS, (), ("name",)),),
)

CAST = (ANNA, BO, CHIARA, DAVID, EMIL, IVY)
CONNECTED = (
    ("anna", "bo"),
    ("anna", "chiara"),
    ("anna", "david"),
    ("anna", "emil"),
    ("ivy", "anna"),
    ("ivy", "bo"),
    ("ivy", "chiara"),
    ("ivy", "david"),
    ("ivy", "emil"),
)
