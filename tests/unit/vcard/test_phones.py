"""What telephones and programs have ways of their own for becomes what everybody reads."""

from __future__ import annotations

import pytest

from sync.vcard import modernize, parse_one


def lines(version: str, *given: str) -> list[str]:
    card = modernize(parse_one("\r\n".join(["BEGIN:VCARD", f"VERSION:{version}", *given, "END:VCARD"])))
    return [f"{'x.' if item.group else ''}{item.name}:{item.value}" for item in card.properties]


QP = "CHARSET=UTF-8;ENCODING=QUOTED-PRINTABLE"


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (
            "TEL;X-CUSTOM(CHARSET=UTF-8,ENCODING=QUOTED-PRINTABLE,=E5=85=AC=E5=8F=B8):123",
            ["x.TEL:123", "x.X-ABLABEL:公司"],
        ),
        ("TEL;TYPE=X-CUSTOM(Boat):123", ["x.TEL:123", "x.X-ABLABEL:Boat"]),
        (
            f"SOUND;X-IRMC-N;{QP}:=E3=83=A4=E3=83=9E;=E3=82=BF=E3=83=AD;;;",
            ["X-PHONETIC-LAST-NAME:ヤマ", "X-PHONETIC-FIRST-NAME:タロ"],
        ),
        ("SOUND;X-IRMC-N:yamada", ["X-PHONETIC-LAST-NAME:yamada"]),
        (f"X-ANDROID-CUSTOM;{QP}:vnd.android.cursor.item/nickname;=E4=B8=89;1;;;;;;;;;;;;;", ["NICKNAME:三"]),
        (
            "X-ANDROID-CUSTOM:vnd.android.cursor.item/contact_event;2018-12-06;1;;;;;;;;;;;;;",
            ["X-ANNIVERSARY:2018-12-06"],
        ),
        (
            "X-ANDROID-CUSTOM:vnd.android.cursor.item/contact_event;2018-12-06;0;First day;;;;;;;;;;;;",
            ["x.X-ABDATE:2018-12-06", "x.X-ABLABEL:First day"],
        ),
        (
            "X-ANDROID-CUSTOM:vnd.android.cursor.item/relation;Jenny;14;;;;;;;;;;;;;",
            ["x.X-ABRELATEDNAMES:Jenny", "x.X-ABLABEL:_$!<Spouse>!$_"],
        ),
        (
            "X-ANDROID-CUSTOM:vnd.android.cursor.item/other;a;b;;;;;;;;;;;;;",
            ["X-ANDROID-CUSTOM:vnd.android.cursor.item/other;a;b;;;;;;;;;;;;;"],
        ),
        ("X-messaging/irc-All:kay", ["IMPP:irc:kay"]),
        ("X-messaging/msn-All:a@b\ue000c@d", ["IMPP:msnim:a@b", "IMPP:msnim:c@d"]),
        ("X-some/thing:a", ["X-SOME-THING:a"]),
    ],
)
@pytest.mark.parametrize("version", ["2.1", "3.0"])
def test_it_is_written_as_everybody_reads_it(version: str, line: str, expected: list[str]) -> None:
    assert lines(version, line) == expected


def test_a_recording_stays_one() -> None:
    assert lines("2.1", "SOUND;WAVE;BASE64:AAAA") == ["SOUND:AAAA"]
    assert lines("3.0", "SOUND;TYPE=OGG;ENCODING=b:AAAA") == ["SOUND:AAAA"]
