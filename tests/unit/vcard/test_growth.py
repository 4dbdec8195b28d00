"""No text makes reading it grow faster than the text itself."""

from __future__ import annotations

import contextlib
import time
import tracemalloc
from collections.abc import Callable

import pytest

from sync.errors import InvalidInput
from sync.vcard import Limits, modernize, parse, split_structured

ENDLESS = Limits(1 << 40, 1 << 40, 1 << 40, 1 << 40, 1 << 40)


def card(body: str, version: str = "3.0") -> str:
    return f"BEGIN:VCARD\nVERSION:{version}\n{body}\nEND:VCARD\n"


ATTACKS: dict[str, Callable[[int], str]] = {
    "equals signs before a quote": lambda n: card("TEL;A" + "=" * n + '"'),
    "a list that ends in a quote": lambda n: card("TEL;A=" + "b," * n + '"'),
    "quoted parameters": lambda n: card("TEL" + ';A="b"' * n + '"'),
    "parameters without a colon": lambda n: card("TEL" + ";A=b" * n),
    "quotes that never close": lambda n: card("TEL" + ';A="b' * n + ":x"),
    "quotes alone": lambda n: card("TEL;A=" + '"' * n + ":x"),
    "TZID with colons": lambda n: card("TZID:" * n),
    "TZID with equals signs": lambda n: card("TZID=" * n),
    "repeated encodings": lambda n: card("PHOTO" + ";ENCODING=b" * n + ":AAAA"),
    "a folded photo": lambda n: card("PHOTO;ENCODING=b:" + ("A" * 74 + "\n ") * n),
    "an unmarked photo": lambda n: card("PHOTO;ENCODING=b:\n" + ("A" * 76 + "\n") * n),
    "soft line breaks": lambda n: card("NOTE;QUOTED-PRINTABLE:" + "=C3=91=\n" * n, "2.1"),
    "many soft line breaks": lambda n: card("NOTE;QUOTED-PRINTABLE:=\n\n" * n, "2.1"),
    "a long note": lambda n: card("NOTE:" + "x" * n * 50),
    "no colon": lambda n: card("x" * n * 50),
    "many properties": lambda n: card("TEL:1\n" * n),
    "many frames": lambda n: "BEGIN:VCARD\n" * n,
    "nested cards": lambda n: card("AGENT:\nBEGIN:VCARD\n" * n + "END:VCARD\n" * n, "2.1"),
    "open nested cards": lambda n: card("AGENT:\nBEGIN:VCARD\n" * n, "2.1"),
    "line feeds": lambda n: card("\n" * n * 10),
    "carriage returns": lambda n: card("\r" * n * 10),
    "continuations of nothing": lambda n: card("NOTE:a" + "\n " * n),
    "continuations after empty lines": lambda n: card("NOTE:a" + "\n\n\n b" * n),
    "backslashes": lambda n: card("N:" + "\\" * n * 5),
    "escaped separators": lambda n: card("N:" + "\\,;," * n),
    "carets": lambda n: card('TEL;A="' + "^n" * n + '":x'),
}
FACTOR = 8
ALLOWED = 24
"""Between the factor itself and its square, with room for a machine that has other things to do."""


def read(text: str, limits: Limits = ENDLESS) -> None:
    try:
        for found in parse(text, limits=limits):
            for item in modernize(found).properties:
                split_structured(item.value)
    except InvalidInput:
        pass


def seconds(text: str) -> float:
    started = time.process_time()
    read(text)
    return time.process_time() - started


def fastest(text: str) -> float:
    return min(seconds(text) for _ in range(3))


@pytest.mark.parametrize("attack", ATTACKS.values(), ids=ATTACKS.keys())
def test_time_grows_with_the_text(attack: Callable[[int], str]) -> None:
    """Eight times the text takes about eight times as long."""
    size = 500
    while fastest(attack(size)) < 0.001 and size < 16_000:
        size *= 2
    small, large = attack(size), attack(FACTOR * size)
    assert any(fastest(large) <= ALLOWED * max(fastest(small), 0.0005) for _ in range(5))


@pytest.mark.parametrize("attack", ATTACKS.values(), ids=ATTACKS.keys())
def test_the_usual_limits_bound_the_memory(attack: Callable[[int], str]) -> None:
    """With the limits that a server has, no text takes much more memory than it is long."""
    text = attack(20_000)
    tracemalloc.start()
    try:
        for_limits = Limits()
        with contextlib.suppress(InvalidInput):
            parse(text, limits=for_limits)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak <= 12 * len(text) + 4_000_000
