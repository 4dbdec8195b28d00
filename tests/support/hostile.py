"""
Input that makes regular expressions slow: made from a pattern itself, by repeating what it can repeat.

A pattern costs more than in proportion to its input where two of its repetitions can match the same characters, or
where a search begins anew at each character what it has done before. Either shows when what a repetition matches is
repeated, behind what leads to it and before what ends it wrongly.
"""

from __future__ import annotations

import importlib
import re
import time
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

parser: Any = importlib.import_module("re._parser")

_LETTERS = " \t\n\r0aAZé漢\"\\,;:=-.+<>()[]@%'/*#!_^~\x00"
_ENDS = ("\x00", '"', "x")
#: How many of the characters that something can match are tried, besides those that it names.
_TRIED = 4
_MANY = 20

_SMALL, _LARGE = 1_000, 8_000
#: Seconds that even a loaded machine does not take for a pattern that is linear.
_BOUND = 0.005
_REPEATS = (parser.MAX_REPEAT, parser.MIN_REPEAT, parser.POSSESSIVE_REPEAT)


def slow_inputs(pattern: re.Pattern[Any], ways: Iterable[str]) -> Iterator[str]:
    """Yield the beginnings of inputs that *pattern* takes more than proportional time for, used in one of *ways*."""
    for way in ways:
        for before, unit in sorted(set(_pumps(parser.parse(pattern.pattern, pattern.flags), ""))):
            for end in _ENDS if unit else ():
                if _grows(pattern, way, before, unit, end):
                    yield f"{way}: {(before + unit * 3 + end)!r}…"


def _grows(pattern: re.Pattern[Any], way: str, before: str, unit: str, end: str) -> bool:
    seconds = 0.0
    for count in _counts(_LARGE // len(unit)):
        seconds = _seconds(pattern, way, before + unit * count + end)
        # Not one step further: what grows so would not end before the day does.
        if seconds > 10 * _BOUND:
            return True
    if seconds < _BOUND:
        return False
    # Once more, because the machine may have done something else meanwhile.
    small, large = (
        min(_seconds(pattern, way, before + unit * (size // len(unit)) + end) for _ in range(5))
        for size in (_SMALL, _LARGE)
    )
    return large > _BOUND and large > 3 * small * _LARGE / _SMALL


def _counts(most: int) -> Iterator[int]:
    """Yield how often to repeat, in steps in which even exponential growth does not go far."""
    count = 8
    while count < most:
        yield count
        count += 2 if count < _MANY else count // 2
    yield most


def _seconds(pattern: re.Pattern[Any], way: str, text: str) -> float:
    given: Any = text.encode() if isinstance(pattern.pattern, bytes) else text
    began = time.thread_time()
    if way == "search":
        for _found in pattern.finditer(given):
            pass
    else:
        getattr(pattern, way)(given)
    return time.thread_time() - began


def _pumps(nodes: Iterable[tuple[Any, Any]], before: str) -> Iterator[tuple[str, str]]:
    """Yield what leads to each repetition, and what it repeats; and for a search both together, again and again."""
    for kind, value in nodes:
        if kind in _REPEATS:
            _least, most, body = value
            for unit in _samples(body) if most > _MANY else ():
                yield before, unit
                yield "", before + unit
            yield from _pumps(body, before)
        for inside in _inside(kind, value):
            yield from _pumps(inside, before)
        before += next(iter(_samples([(kind, value)])), "")


def _inside(kind: Any, value: Any) -> Sequence[Any]:
    if kind is parser.BRANCH:
        return list(value[1])
    if kind is parser.SUBPATTERN:
        return [value[3]]
    if kind is parser.ATOMIC_GROUP:
        return [value]
    return [value[1]] if kind in (parser.ASSERT, parser.ASSERT_NOT) else []


def _samples(nodes: Iterable[tuple[Any, Any]]) -> list[str]:
    """Return some texts that these nodes match, each of which differs from the others in one choice."""
    found = [""]
    for node in nodes:
        choices = _choices(*node) or [""]
        found = [text + choices[0] for text in found] + [found[0] + choice for choice in choices[1:]]
    return found


def _choices(kind: Any, value: Any) -> list[str]:
    if kind is parser.LITERAL:
        return [chr(value)]
    if kind in (parser.NOT_LITERAL, parser.ANY, parser.IN):
        return _letters(kind, value)
    if kind in _REPEATS:
        least, most, body = value
        return [text * max(least, 1 if most else 0) for text in _samples(body)]
    if kind in (parser.ASSERT, parser.ASSERT_NOT):
        return [""]
    return [text for inside in _inside(kind, value) for text in _samples(inside)]


def _letters(kind: Any, value: Any) -> list[str]:
    if kind is not parser.IN:
        return [letter for letter in _LETTERS if kind is parser.ANY or ord(letter) != value][:_TRIED]
    named = [chr(item) for what, item in value if what is parser.LITERAL]
    fitting = [letter for letter in _LETTERS if _is_in(value, letter)]
    return list(dict.fromkeys([*fitting[:_TRIED], *(letter for letter in named if _is_in(value, letter))]))


def _is_in(items: Sequence[tuple[Any, Any]], letter: str) -> bool:
    negated = items[0][0] is parser.NEGATE
    return any(_is(what, item, letter) for what, item in items) is not negated


def _is(what: Any, item: Any, letter: str) -> bool:
    if what is parser.LITERAL:
        return ord(letter) == int(item)
    if what is parser.RANGE:
        return bool(item[0] <= ord(letter) <= item[1])
    if what is parser.CATEGORY:
        kind = str(item).rpartition("_")[2]
        is_one = {"DIGIT": letter.isdecimal(), "SPACE": letter.isspace(), "WORD": letter.isalnum() or letter == "_"}
        return is_one[kind] is not ("_NOT_" in str(item))
    return False
