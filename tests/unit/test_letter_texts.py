"""What stands in letters and text messages, as it is written in both languages."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from sync.notify import templates
from sync.notify.templates import LANGUAGES, render

TEXTS = Path(templates.__file__).parent / "texts"
#: So many letters fit on a button of a phone's width, in each language.
LONGEST = {"en": 32, "zh-Hans": 14}
#: What the portal calls otherwise: to decline, an account here, and what people do with cards.
OTHER_WORDS = re.compile("谢绝|账户|帐|拥有|你(?!们)")
MIXED = re.compile(r"[\u4e00-\u9fff][,;:!?()]|[,;!?()][\u4e00-\u9fff]|[\u4e00-\u9fff]\.(?!\w)")
GLUED = re.compile(r"[\u4e00-\u9fff]\$\w+|\$[a-z]+[\u4e00-\u9fff]")


def letters(language: str) -> dict[str, str]:
    """Return the texts of a language by name, without those of text messages and single words."""
    return {file.name: file.read_text() for file in (TEXTS / language).iterdir() if file.name.count(".") == 1}


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_letter_has_one_button_at_most_which_says_in_few_words_what_it_does(language: str) -> None:
    for name, text in letters(language).items():
        paragraphs = [each.split("\n") for each in text.strip().split("\n\n")]
        buttons = [lines for lines in paragraphs if lines[-1] in ("$link", "$unsubscribe")]
        assert [lines[-1] for lines in buttons] in ([], ["$link"]), name
        for words, _link in buttons:
            assert len(words) <= LONGEST[language], name


def test_chinese_letters_have_chinese_marks_and_the_portal_s_words() -> None:
    for file in (TEXTS / "zh-Hans").iterdir():
        text = file.read_text()
        assert [found.findall(text) for found in (MIXED, GLUED, OTHER_WORDS)] == [[], [], []], file.name


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", ["invitation", "introduction", "request"])
def test_whoever_writes_nothing_is_not_said_to_have_written(name: str, language: str) -> None:
    values = {"name": "Anna", "introducer": "Bo", "link": "https://x.example/", "unsubscribe": "https://y.example/"}
    silent, telling = (render(name, "email", language, {**values, "message": said}) for said in ("", "Hello!"))
    assert "“Hello!”" in telling.body
    (said,) = set(telling.body.split("\n\n")) - set(silent.body.split("\n\n"))
    assert "“Hello!”" in said
