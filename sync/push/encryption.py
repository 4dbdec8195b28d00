"""
What makes a message one that only the device can read (RFC 8291), and one that is known to be ours (RFC 8292).

The ciphers, the key agreement and the derivation of keys are those of the library `cryptography`.
"""

from __future__ import annotations

import json
import secrets
from functools import lru_cache

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from sync.push.keys import CURVE, VapidKey, base64url

#: Octets of a device's public key and secret.
PUBLIC_KEY, AUTH_SECRET = 65, 16
#: Octets of a record, and what a message is filled up to, so that its length tells nothing about what it says.
_RECORD, _BLOCK = 4096, 256
#: Seconds for which a signature can be used, and after which another is made.
SIGNED_FOR = 12 * 3600
RENEWED_AFTER = 3600


def is_public_key(data: bytes) -> bool:
    """Whether these octets are a point of the curve, not compressed."""
    try:
        ec.EllipticCurvePublicKey.from_encoded_point(CURVE, data)
    except ValueError:
        return False
    return len(data) == PUBLIC_KEY


def encrypt(message: bytes, public_key: bytes, auth_secret: bytes) -> bytes:
    """Encrypt a short message for the device of this key and secret, as ``aes128gcm`` (RFC 8188)."""
    padded = message + b"\2" + bytes(-(len(message) + 1) % _BLOCK)
    return sealed(padded, public_key, auth_secret, secrets.token_bytes(16), ec.generate_private_key(CURVE))


def sealed(
    record: bytes, public_key: bytes, auth_secret: bytes, salt: bytes, private: ec.EllipticCurvePrivateKey
) -> bytes:
    """Encrypt one record with a *salt* and a *private* key that are used for nothing else (RFC 8291, 3.4)."""
    ours = private.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    theirs = ec.EllipticCurvePublicKey.from_encoded_point(CURVE, public_key)
    shared = private.exchange(ec.ECDH(), theirs)
    keying = _derived(shared, auth_secret, b"WebPush: info\0" + public_key + ours, 32)
    key = _derived(keying, salt, b"Content-Encoding: aes128gcm\0", 16)
    nonce = _derived(keying, salt, b"Content-Encoding: nonce\0", 12)
    header = salt + _RECORD.to_bytes(4) + len(ours).to_bytes(1) + ours
    return header + AESGCM(key).encrypt(nonce, record, None)


def authorization(key: VapidKey, origin: str, contact: str, at: int) -> str:
    """
    Return the header by which the push service at *origin* knows whom a message is from.

    *contact* is the address by which its operator finds this server's, empty where there is none that could be named.
    """
    return _authorization(key, origin, contact, at // RENEWED_AFTER * RENEWED_AFTER + SIGNED_FOR)


@lru_cache(maxsize=1024)
def _authorization(key: VapidKey, origin: str, contact: str, until: int) -> str:
    claims = {"aud": origin, "exp": until} | ({"sub": contact} if contact else {})
    signed = f"{_encoded({'typ': 'JWT', 'alg': 'ES256'})}.{_encoded(claims)}"
    r, s = decode_dss_signature(key.private.sign(signed.encode(), ec.ECDSA(SHA256())))
    return f"vapid t={signed}.{base64url(r.to_bytes(32) + s.to_bytes(32))}, k={key.text}"


def _encoded(values: dict[str, object]) -> str:
    return base64url(json.dumps(values, separators=(",", ":")).encode())


def _derived(secret: bytes, salt: bytes, info: bytes, length: int) -> bytes:
    return HKDF(algorithm=SHA256(), length=length, salt=salt, info=info).derive(secret)
