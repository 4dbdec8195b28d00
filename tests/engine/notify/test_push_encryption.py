"""Messages can be read by the device and nobody else, and are known to be this server's."""

from __future__ import annotations

import secrets

import http_ece
import pytest
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from sync.database.engine import Database
from sync.push import encryption, keys
from tests.support.push_service import octets

NOW = 1_700_000_000


def test_a_message_is_what_the_standard_computes() -> None:
    """RFC 8291, appendix A."""
    private = ec.derive_private_key(int.from_bytes(octets("yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw")), keys.CURVE)
    sealed = encryption.sealed(
        b"When I grow up, I want to be a watermelon\2",
        octets("BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4"),
        octets("BTBZMqHH6r4Tts7J_aSIgg"),
        octets("DGv6ra1nlYgDCS1FRnbzlw"),
        private,
    )
    assert keys.base64url(sealed) == (
        "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBr"
        "u3jl7A_yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN"
    )


@pytest.mark.parametrize("size", [0, 1, 254, 255, 256, 3000])
def test_another_library_reads_a_message(size: int) -> None:
    private, auth = ec.generate_private_key(keys.CURVE), secrets.token_bytes(16)
    public = private.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    message = secrets.token_bytes(size)
    sent = encryption.encrypt(message, public, auth)
    assert http_ece.decrypt(sent, private_key=private, auth_secret=auth, version="aes128gcm") == message
    assert len(sent) <= 4096
    with pytest.raises((InvalidTag, http_ece.ECEException)):
        http_ece.decrypt(sent, private_key=private, auth_secret=secrets.token_bytes(16), version="aes128gcm")


def test_no_two_messages_are_encrypted_alike_and_their_lengths_say_nothing() -> None:
    private = ec.generate_private_key(keys.CURVE)
    public = private.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    sent = [encryption.encrypt(text, public, bytes(16)) for text in (b"short", b"short", b"much longer" * 10)]
    assert len(set(sent)) == 3
    assert len({each[:86] for each in sent}) == 3, "salt and key are used once"
    assert len({len(each) for each in sent}) == 1


@pytest.mark.parametrize("data", [b"", b"\4" + bytes(64), b"\2" + bytes(32), bytes(65), b"\4" + b"\7" * 64])
def test_what_is_no_point_of_the_curve_is_no_key(data: bytes) -> None:
    assert not encryption.is_public_key(data)


def test_a_signature_is_for_one_push_service_and_ends(database: Database) -> None:
    key = database.write(keys.ensure)
    header = encryption.authorization(key, "https://push.example.org", "https://cards.example.org", NOW)
    again = encryption.authorization(key, "https://push.example.org", "https://cards.example.org", NOW + 1)
    other = encryption.authorization(key, "https://other.example.org", "https://cards.example.org", NOW)
    assert header == again != other
    claims = octets(header.split(".")[1]).decode()
    assert '"aud":"https://push.example.org"' in claims
    assert '"sub":"https://cards.example.org"' in claims
    assert str(NOW // 3600 * 3600 + encryption.SIGNED_FOR) in claims


def test_there_is_one_key_and_it_stays(database: Database) -> None:
    made = database.write(keys.ensure)
    assert database.write(keys.ensure) == made
    with database.reading() as session:
        assert keys.current(session) == made
    assert encryption.is_public_key(octets(made.text))
    assert "=" not in made.text


def test_topics_tell_nothing_and_stay(database: Database) -> None:
    topics = database.write(keys.Topics.of)
    assert topics == database.write(keys.Topics.of)
    found = {topics.of_collection(viewer, book) for viewer in range(1, 40) for book in (0, 1, 2)}
    assert len(found) == 39 * 3
    assert all(len(each) == 22 for each in found)
    assert topics.of_message(1, "content") not in found
