"""
OpenID Connect, as a client: authorization code with PKCE, state and nonce (RFC 6749, RFC 7636, OpenID Connect Core).

Nothing here knows who is who; it returns what the provider says of whoever signed in, once that is proved to come from
it, to be meant for this server and for this very sign-in. No token and no claim is in any error or line of the log.
"""

from __future__ import annotations

import base64
import hashlib
import json
import logging
import secrets
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

import certifi
import urllib3
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from sync.errors import OrganisationUnavailable, SignInRefused
from sync.notify import outgoing
from sync.settings import Organisation
from sync.sign_in.told import Gone, Told

logger = logging.getLogger("evercard")

#: Signatures by a key of the provider's that everybody may know. None by a shared secret, and not none at all.
ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "Ed25519", "EdDSA"]
#: Seconds for which what the provider says of itself is believed, and after which its keys may be asked for again.
FRESH, AGAIN = 3600.0, 30.0
#: And for which nobody waits for it again, once it did not answer: many who wait would keep others from being answered.
SILENT = 5.0
#: Seconds by which its clock may differ, within which a sign-in is to be finished, and to wait for an answer.
LEEWAY, LIFETIME, PATIENCE = 60, 600, 5.0
_LARGEST = 1_000_000
_GONE = "invalid_grant"


@dataclass(frozen=True, slots=True)
class Attempt:
    """A sign-in that was begun, as the browser keeps it until the provider sends it back."""

    state: str
    nonce: str
    verifier: str
    begun_at: int

    @classmethod
    def begin(cls) -> Attempt:
        """Make one that nobody can guess."""
        state, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(3))
        return cls(state, nonce, verifier, int(time.time()))

    @property
    def is_running(self) -> bool:
        """Whether there is time left to finish it."""
        return 0 <= time.time() - self.begun_at <= LIFETIME


class Provider:
    """The provider of an organisation, for one process."""

    def __init__(self, organisation: Organisation, redirect_uri: str) -> None:
        """Prepare to send people to it, who come back to *redirect_uri*. It is not asked anything yet."""
        self._organisation, self._redirect_uri = organisation, redirect_uri
        timeout = urllib3.Timeout(connect=PATIENCE, read=PATIENCE)
        self._http = urllib3.PoolManager(timeout=timeout, retries=False, ca_certs=certifi.where(), maxsize=4)
        self._lock = threading.Lock()
        self._metadata: tuple[float, dict[str, Any]] | None = None
        self._keys: tuple[float, KeySet] | None = None
        self._silent_until = 0.0

    def begin(self, attempt: Attempt) -> str:
        """
        Return the address at the provider that a browser is sent to.

        Raises:
            OrganisationUnavailable: The provider does not answer, or says nothing sensible of itself.
        """
        challenge = base64.urlsafe_b64encode(hashlib.sha256(attempt.verifier.encode()).digest()).rstrip(b"=")
        asked = {
            "response_type": "code",
            "client_id": self._organisation.client_id,
            "redirect_uri": self._redirect_uri,
            "scope": self._organisation.scopes,
            "state": attempt.state,
            "nonce": attempt.nonce,
            "code_challenge": challenge.decode(),
            "code_challenge_method": "S256",
        }
        return _with_query(self._endpoint("authorization_endpoint"), asked)

    def finish(self, attempt: Attempt, state: str, code: str, issuer: str | None) -> Told:
        """
        Return who came back with *state* and *code*; *issuer* is who said that it sends them (RFC 9207), if it did.

        Raises:
            OrganisationUnavailable: The provider does not answer.
            SignInRefused: This is not what was begun, or the provider does not stand by it.
        """
        known = secrets.compare_digest(attempt.state.encode(), state.encode("utf-8", "replace"))
        if not known or not code or not attempt.is_running or issuer not in (None, self._organisation.issuer):
            raise SignInRefused
        given = {"code": code, "redirect_uri": self._redirect_uri, "code_verifier": attempt.verifier}
        try:
            answer = self._token("authorization_code", given)
        except Gone as error:
            raise SignInRefused from error
        claims = self._proved(answer, attempt.nonce)
        return Told(claims["sub"], self._more(answer, claims), _text(answer.get("refresh_token")))

    def look(self, refresh_token: str) -> Told | None:
        """
        Ask whether a person is still there, and return what is said of them; None where nothing new is.

        Raises:
            Gone: They are not.
            OrganisationUnavailable: The provider does not answer.
        """
        answer = self._token("refresh_token", {"refresh_token": refresh_token})
        claims = self._proved(answer, None) if "id_token" in answer else {}
        more = self._more(answer, claims)
        return Told(_text(more.get("sub")) or "", more, _text(answer.get("refresh_token")))

    def sign_out_address(self, back: str) -> str | None:
        """Return where a browser signs out at the provider as well, and comes *back* from; None where it cannot."""
        try:
            endpoint = self._endpoint("end_session_endpoint")
        except OrganisationUnavailable:
            return None
        asked = {"client_id": self._organisation.client_id, "post_logout_redirect_uri": back}
        return _with_query(endpoint, asked)

    def _token(self, grant: str, given: Mapping[str, str]) -> dict[str, Any]:
        us = self._organisation
        body, headers = {"grant_type": grant, **given}, {"Accept": "application/json"}
        basic = "client_secret_basic" in self._about().get(
            "token_endpoint_auth_methods_supported", ["client_secret_basic"]
        )
        if us.client_secret and basic:
            pair = f"{quote(us.client_id, safe='')}:{quote(us.client_secret, safe='')}"
            headers["Authorization"] = f"Basic {base64.b64encode(pair.encode()).decode()}"
        else:
            body |= {"client_id": us.client_id} | ({"client_secret": us.client_secret} if us.client_secret else {})
        status, answer = self._ask("POST", self._endpoint("token_endpoint"), headers, urlencode(body))
        if status == 200:
            return answer
        if status in (400, 401) and answer.get("error") == _GONE:
            raise Gone
        logger.error("The organisation's provider answered %s for a token: check client_id and secret", status)
        raise OrganisationUnavailable

    def _proved(self, answer: Mapping[str, Any], nonce: str | None) -> dict[str, Any]:
        """Return what an ID token says, which is the provider's, for this server, and not another sign-in's."""
        us = self._organisation
        wanted: dict[str, Any] = {"iss": {"essential": True, "value": us.issuer}, "sub": {"essential": True}}
        wanted |= {"aud": {"essential": True, "value": us.client_id}, "exp": {"essential": True}}
        if nonce is not None:
            wanted["nonce"] = {"essential": True, "value": nonce}
        try:
            claims = dict(self._decoded(str(answer.get("id_token", ""))).claims)
            jwt.JWTClaimsRegistry(leeway=LEEWAY, **wanted).validate(claims)
        except (JoseError, ValueError, TypeError, KeyError) as error:
            logger.warning("An ID token is refused: %s", type(error).__name__)
            raise SignInRefused from error
        audience = claims["aud"] if isinstance(claims["aud"], list) else [claims["aud"]]
        party = claims.get("azp", us.client_id if len(audience) == 1 else None)
        if party != us.client_id or not _text(claims["sub"]):
            raise SignInRefused
        return claims

    def _decoded(self, token: str) -> jwt.Token:
        try:
            return jwt.decode(token, self._key_set(again=False), algorithms=ALGORITHMS)
        except (JoseError, ValueError):
            # The provider may have another key by now.
            return jwt.decode(token, self._key_set(again=True), algorithms=ALGORITHMS)

    def _more(self, answer: Mapping[str, Any], claims: Mapping[str, Any]) -> dict[str, Any]:
        """Add what the provider says elsewhere of the same person."""
        endpoint, token = _text(self._about().get("userinfo_endpoint")), _text(answer.get("access_token"))
        if endpoint is None or token is None or not _is_address(endpoint):
            return dict(claims)
        status, said = self._ask("GET", endpoint, {"Authorization": f"Bearer {token}"})
        if status != 200 or (claims and said.get("sub") != claims["sub"]):
            return dict(claims)
        return {**said, **claims}

    def _key_set(self, *, again: bool) -> KeySet:
        with self._lock:
            age = time.monotonic() - self._keys[0] if self._keys else None
            if self._keys is not None and age is not None and age < (AGAIN if again else FRESH):
                return self._keys[1]
        status, said = self._ask("GET", self._endpoint("jwks_uri"), {})
        try:
            if status != 200:
                raise OrganisationUnavailable
            # Keys of kinds that nobody here knows belong to others.
            keys = KeySet.import_key_set({"keys": [key for key in said["keys"] if key.get("use", "sig") == "sig"]})
        except (JoseError, ValueError, TypeError, KeyError, AttributeError) as error:
            raise OrganisationUnavailable from error
        with self._lock:
            self._keys = (time.monotonic(), keys)
        return keys

    def _endpoint(self, name: str) -> str:
        found = self._about().get(name)
        if not _is_address(found):
            raise OrganisationUnavailable
        return str(found)

    def _about(self) -> dict[str, Any]:
        with self._lock:
            if self._metadata is not None and time.monotonic() - self._metadata[0] < FRESH:
                return self._metadata[1]
        if time.monotonic() < self._silent_until:
            raise OrganisationUnavailable
        try:
            said = self._asked_about()
        except OrganisationUnavailable:
            self._silent_until = time.monotonic() + SILENT
            raise
        with self._lock:
            self._metadata = (time.monotonic(), said)
        return said

    def _asked_about(self) -> dict[str, Any]:
        address = f"{self._organisation.issuer.rstrip('/')}/.well-known/openid-configuration"
        status, said = self._ask("GET", address, {})
        if status != 200 or said.get("issuer") != self._organisation.issuer:
            logger.error("The organisation's provider does not say of itself that it is oidc_issuer")
            raise OrganisationUnavailable
        return said

    def _ask(self, method: str, address: str, headers: Mapping[str, str], body: str = "") -> tuple[int, dict[str, Any]]:
        sent = {**headers, **({"Content-Type": "application/x-www-form-urlencoded"} if body else {})}
        try:
            parts = urlsplit(address)
            outgoing.look_up(parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80))
            answer = self._http.request(
                method, address, body=body or None, headers=sent, redirect=False, preload_content=False
            )
            try:
                content = answer.read(_LARGEST + 1)
            finally:
                answer.release_conn()
            said = json.loads(content) if len(content) <= _LARGEST else None
        except (urllib3.exceptions.HTTPError, OSError, ValueError) as error:
            logger.warning("The organisation's provider cannot be asked: %s", type(error).__name__)
            raise OrganisationUnavailable from error
        return answer.status, said if isinstance(said, dict) else {}


def _with_query(address: str, values: Mapping[str, str]) -> str:
    return f"{address}{'&' if '?' in address else '?'}{urlencode(values)}"


def _is_address(found: object) -> bool:
    return isinstance(found, str) and found.startswith(("https://", "http://"))


def _text(found: object) -> str | None:
    return found if isinstance(found, str) and found else None
