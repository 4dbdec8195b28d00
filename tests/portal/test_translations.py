"""Every text that people see is there in every language, and no catalogue has what nobody says any more."""

from __future__ import annotations

import ast
import inspect
import re
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from babel.messages.extract import DEFAULT_KEYWORDS, extract_from_dir

from radicale_plugin.web import error_messages, language
from sync import errors
from sync.errors import EvercardError
from sync.fields import CATALOGUE

ROOT = Path(__file__).parents[2]
WEB = ROOT / "radicale_plugin" / "web"
OTHERS = [tag for tag in language.LANGUAGES if tag != language.DEFAULT]
METHODS = [("**.py", "python"), ("**.html", "jinja2.ext:babel_extract")]
OPTIONS = {"**.html": {"trim_blocks": "true", "lstrip_blocks": "true", "newstyle_gettext": "true"}}
#: Modules whose errors only administrators meet.
FOR_ADMINISTRATORS = (
    *(
        f"sync/database/{name}"
        for name in ("engine.py", "migrations", "postgresql.py", "quick.py", "schema.py", "url.py")
    ),
    "sync/notify",
    *(
        f"sync/push/{name}"
        for name in ("connection.py", "encryption.py", "endpoints.py", "keys.py", "subscriptions.py")
    ),
    "sync/copying.py",
)
_PLACEHOLDER = re.compile(r"%\(\w+\)[sd]|\{\w*\}")


@cache
def said() -> dict[str, str]:
    """Return every text in templates and code by where it is said, which is the file and line of its last use."""
    keywords = {**DEFAULT_KEYWORDS, "lazy": None}
    found = extract_from_dir(WEB, METHODS, OPTIONS, keywords)
    texts = {}
    for file, line, message, _comments, _context in found:
        texts[message if isinstance(message, str) else message[0]] = f"{file}:{line}"
    return texts


@cache
def refusals() -> dict[str, str]:
    """Return what the engine refuses, with ``{}`` where something is filled in, by where it does."""
    names = {name for name, kind in vars(errors).items() if inspect.isclass(kind) and issubclass(kind, EvercardError)}
    texts = {
        str(getattr(errors, name).__doc__).strip().splitlines()[0]: f"sync/errors.py, {name}"
        for name in names - {"WrongSchema", "DatabaseUnavailable", "TooManyTries"}
    }
    for file in sorted((ROOT / "sync").rglob("*.py")):
        path = str(file.relative_to(ROOT))
        if path.startswith(FOR_ADMINISTRATORS):
            continue
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in names and node.args:
                texts.update(dict.fromkeys(sentences(node.args[0]), f"{path}:{node.lineno}"))
    return texts


def sentences(node: ast.expr) -> Iterator[str]:
    """Yield what an expression says, whichever way it goes."""
    match node:
        case ast.Constant(value=str(text)):
            yield text
        case ast.JoinedStr(values=parts):
            text = "".join(str(part.value) if isinstance(part, ast.Constant) else "{}" for part in parts)
            # `explained` puts the number of a line before whatever is said about it.
            yield text.removeprefix("line {}: ")
        case ast.IfExp(body=one, orelse=other):
            yield from sentences(one)
            yield from sentences(other)


def wanted() -> dict[str, str]:
    kinds = {kind.title: f"the field {kind.key}" for kind in CATALOGUE.values()}
    return {**kinds, **refusals(), **said()}


def test_there_is_something_to_translate() -> None:
    assert "Sign in" in said()
    assert said().keys() >= {"My card", "Login", "There is nothing at this address."}
    assert "The login {} is taken." in refusals()


@pytest.mark.parametrize("tag", OTHERS)
def test_everything_is_translated(tag: str) -> None:
    known = language.texts(tag)
    assert {text: where for text, where in wanted().items() if text not in known} == {}


@pytest.mark.parametrize("tag", OTHERS)
def test_nothing_is_translated_that_nobody_says(tag: str) -> None:
    obsolete = [(file, text) for file, text, _ in language.translations(tag) if text not in wanted()]
    assert obsolete == []


@pytest.mark.parametrize("tag", OTHERS)
def test_nothing_is_translated_twice_or_left_in_doubt(tag: str) -> None:
    counted = Counter(text for _file, text, _ in language.translations(tag))
    assert [text for text, count in counted.items() if count > 1] == []
    files = sorted((language.TRANSLATIONS / tag.replace("-", "_")).glob("*.po"))
    assert files
    fuzzy = [(file.name, message.id) for file in files for message in language.messages(file) if message.fuzzy]
    assert fuzzy == []


@pytest.mark.parametrize("tag", OTHERS)
def test_every_translation_fills_in_the_same(tag: str) -> None:
    differing = [
        (text, string)
        for _file, text, string in language.translations(tag)
        if string and sorted(_PLACEHOLDER.findall(text)) != sorted(_PLACEHOLDER.findall(string))
    ]
    assert differing == []


@pytest.mark.parametrize("tag", OTHERS)
def test_the_errors_are_in_their_catalogue(tag: str) -> None:
    """Only there is the sentence of an error looked for."""
    elsewhere = [
        (file, text)
        for file, text, _ in language.translations(tag)
        if (file == "errors.po") != (text in refusals() and text not in said())
    ]
    assert elsewhere == []


def test_no_chinese_text_has_english_punctuation() -> None:
    """Between Chinese characters stand Chinese marks."""
    mixed = re.compile(r"[\u4e00-\u9fff][,;:!?()]|[,;!?()][\u4e00-\u9fff]|[\u4e00-\u9fff]\.(?!\w)")
    assert [string for _file, _text, string in language.translations("zh-Hans") if mixed.search(string)] == []


def test_no_page_puts_an_english_mark_between_what_is_filled_in() -> None:
    """What stands between two names is translated as well: a list, or what is said of something."""
    between = re.compile(r"[}%]\}(?:</?\w+>)*[,:;!?] *(?:</?\w[^>]*>)*\{[{%]")
    templates = Path(language.__file__).parent / "templates"
    found = {file.name: between.findall(file.read_text(encoding="utf-8")) for file in templates.rglob("*.html")}
    assert {name: marks for name, marks in found.items() if marks} == {}


def test_brackets_of_chinese_end_as_they_begin() -> None:
    """Also where Latin letters or a mark stand at one of their ends."""
    mixed = re.compile(r"[()][，。；：？！、“”（）]|[，。；：？！、“”（）][()]")
    texts = [string for _file, _text, string in language.translations("zh-Hans")]
    assert [text for text in texts if mixed.search(text)] == []
    assert [text for text in texts if any(text.count(one) != text.count(other) for one, other in ("（）", "“”"))] == []


def test_what_is_filled_in_stands_apart_from_the_chinese_around_it() -> None:
    """
    Whatever a person, a field or an organisation is called, Latin letters among it are not glued to the text.

    A space or a mark stands between them. Only days and durations, which are said in Chinese, need none.
    """
    word = r"%\((?!day\)|wait\))\w+\)s"
    glued = re.compile(rf"[\u4e00-\u9fff]{word}|{word}[\u4e00-\u9fff]")
    assert [string for _file, _msgid, string in language.translations("zh-Hans") if glued.search(string)] == []


#: What several English texts are called in Chinese, since they mean the same where they stand.
ALIKE = (
    *("上次使用：", "中间名", "保留", "修改", "停用", "即时通讯", "发送邀请", "导入", "已保存，立即生效。", "成员"),
    *("收回", "新建分组", "无需安装", "显示", "不显示", "有人更新了名片。", "查看", "正常", "添加", "生日", "短信"),
    *("移出", "移除", "管理员", "请先选择文件。", "账号", "通过 %(name)s 登录", "家庭", "工作"),
)


def test_no_two_things_are_called_alike_in_chinese() -> None:
    """A menu with more is not the next page, though a word may stand for either."""
    said: dict[str, set[str]] = {}
    for _file, text, string in language.translations("zh-Hans"):
        said.setdefault(string, set()).add(text)
    assert {string: texts for string, texts in said.items() if len(texts) > 1 and string not in ALIKE} == {}


#: Words that were used for something for which there is another word.
RETIRED = {
    "解除屏蔽": "取消屏蔽",
    "电子邮箱": "电子邮件地址",
    "邮寄地址": "通信地址",
    "读者": "只能查看的成员",
    "内置的组": "内置分组",
    "帐号": "账号",
    "登陆": "登录",
}


def test_one_thing_has_one_name_in_chinese() -> None:
    texts = [string for _file, _text, string in language.translations("zh-Hans")]
    assert [(word, text) for word in RETIRED for text in texts if word in text] == []


def test_what_the_engine_refuses_is_found_again() -> None:
    """The words that were filled in are carried over, whatever they are."""
    sentences = error_messages._sentences("zh-Hans")
    for text in refusals():
        raised = text.replace("{}", "x {} (y)")
        assert any(error_messages._words(raised, parts) is not None for parts, _ in sentences), text
