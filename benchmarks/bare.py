"""
The least that any CardDAV server in Python has to do for a request, as a WSGI application.

It parses the XML, checks the password by its hash, and puts the answer together from octets that it has in memory; what
is put it only reads. What a server needs above this is what it costs to be one.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import re
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from lxml import etree

#: Names the file that holds what there is to answer.
FILE = "BENCHMARK_ANSWERS"
_KEY = b"benchmark"
_PART = re.compile(r"<D:response><D:href>(.*?)</D:href>.*?</D:response>\n", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer of many parts, each by the href that it is about."""

    head: str
    parts: dict[str, str]
    tail: str

    @classmethod
    def read(cls, body: str) -> Answer:
        """Take an answer of ours apart."""
        found = list(_PART.finditer(body))
        if not found:
            return cls(body, {}, "")
        parts = {match[1]: match[0] for match in found}
        return cls(body[: found[0].start()], parts, body[found[-1].end() :])


def write(file: Path, login: str, password: str, answers: dict[str, Answer]) -> None:
    """Write down for a server to come what it answers to a report of each name."""
    content = {"login": login, "hash": _hash(password), "answers": {tag: asdict(answers[tag]) for tag in answers}}
    file.write_text(json.dumps(content))


def create() -> Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]:
    """Make the application."""
    content = json.loads(Path(os.environ[FILE]).read_text())
    known = {content["login"]: content["hash"]}
    answers = {
        tag: (
            answer["head"].encode(),
            {href: part.encode() for href, part in answer["parts"].items()},
            answer["tail"].encode(),
        )
        for tag, answer in content["answers"].items()
    }

    def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        credentials = base64.b64decode(environ["HTTP_AUTHORIZATION"][6:]).decode()
        login, _, password = credentials.partition(":")
        if not hmac.compare_digest(known.get(login, ""), _hash(password)):
            start_response("401 Unauthorized", [("Content-Length", "0")])
            return []
        content = environ["wsgi.input"].read()
        if environ["REQUEST_METHOD"] == "PUT":
            start_response("204 No Content", [])
            return []
        root = etree.fromstring(content)
        # Of the reports of one name there may be several, told apart by the texts in them.
        head, parts, tail = answers.get(named(root)) or answers[str(root.tag)]
        hrefs = [node.text or "" for node in root.findall("{DAV:}href")]
        body = b"".join([head, *(map(parts.__getitem__, hrefs) if hrefs else parts.values()), tail])
        headers = [("Content-Type", "application/xml; charset=utf-8"), ("Content-Length", str(len(body)))]
        start_response("207 Multi-Status", headers)
        return [body]

    return application


def named(root: etree._Element) -> str:
    """Return the name of a report, with the texts and the names of properties that it is about."""
    return " ".join(
        [str(root.tag), *(node.get("name", "") + (node.text or "") for node in root.iter() if len(node) == 0)]
    )


def _hash(password: str) -> str:
    return hashlib.blake2b(password.encode(), key=_KEY, digest_size=32).hexdigest()
