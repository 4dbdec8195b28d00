"""
A provider of OpenID Connect on loopback, made of Authlib's authorization server: it insists on PKCE and on a nonce.

A person there is a row of `claims`; `code_for` does what a browser does there. What a provider can do wrong is said
with `wrong`, which changes what an ID token says, and `sign_with`.
"""

from __future__ import annotations

import os
import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import flask
import httpx
from authlib.integrations.flask_oauth2.authorization_server import AuthorizationServer
from authlib.integrations.flask_oauth2.resource_protector import ResourceProtector
from authlib.oauth2.rfc6749 import grants
from authlib.oauth2.rfc6749.models import ClientMixin, TokenMixin
from authlib.oauth2.rfc6750 import BearerTokenValidator
from authlib.oauth2.rfc7636 import CodeChallenge
from authlib.oidc.core import UserInfo
from authlib.oidc.core.grants import OpenIDCode
from authlib.oidc.core.models import AuthorizationCodeMixin
from joserfc.jwk import RSAKey
from typing_extensions import override
from werkzeug.serving import make_server

CLIENT, SECRET = "evercard", "a secret / with: signs"
#: A key for all tests, because making one takes a while.
KEY = RSAKey.generate_key(2048, {"kid": "one", "use": "sig", "alg": "RS256"})
OTHER_KEY = RSAKey.generate_key(2048, {"kid": "one", "use": "sig", "alg": "RS256"})


class Client(ClientMixin):
    """This server, as the provider knows it. *back* is where browsers may be sent back to."""

    client_id = CLIENT

    def __init__(self, back: str) -> None:
        """Let browsers come back to *back* only."""
        self.back = back

    @override
    def get_client_id(self) -> str:
        return CLIENT

    @override
    def get_default_redirect_uri(self) -> str:
        return self.back

    @override
    def get_allowed_scope(self, scope: str) -> str:
        return scope

    @override
    def check_redirect_uri(self, redirect_uri: str) -> bool:
        return redirect_uri == self.back

    @override
    def check_client_secret(self, client_secret: str) -> bool:
        return secrets.compare_digest(client_secret, SECRET)

    @override
    def check_endpoint_auth_method(self, method: str, endpoint: str) -> bool:
        return method == "client_secret_basic"

    @override
    def check_response_type(self, response_type: str) -> bool:
        return response_type == "code"

    @override
    def check_grant_type(self, grant_type: str) -> bool:
        return grant_type in ("authorization_code", "refresh_token")


@dataclass
class Code(AuthorizationCodeMixin):
    """A code, which works once."""

    subject: str
    redirect_uri: str
    scope: str
    nonce: str
    code_challenge: str
    code_challenge_method: str

    @override
    def get_redirect_uri(self) -> str:
        return self.redirect_uri

    @override
    def get_scope(self) -> str:
        return self.scope

    @override
    def get_nonce(self) -> str:
        return self.nonce

    @override
    def get_auth_time(self) -> int:
        return int(time.time())

    @override
    def get_acr(self) -> str:
        return ""

    @override
    def get_amr(self) -> list[str]:
        return []


@dataclass
class Token(TokenMixin):
    """A token of somebody's."""

    subject: str
    scope: str

    @override
    def check_client(self, client: Client) -> bool:
        return True

    @override
    def get_scope(self) -> str:
        return self.scope

    @override
    def get_expires_in(self) -> int:
        return 3600

    @override
    def is_expired(self) -> bool:
        return False

    @override
    def is_revoked(self) -> bool:
        return False

    @override
    def get_user(self) -> str:
        return self.subject

    @override
    def get_client(self) -> Client:
        return Client("")


@dataclass
class LocalProvider:
    """The provider. Those who are in *claims* are there; *codes* and *tokens* are what was handed out and works."""

    claims: dict[str, dict[str, Any]] = field(default_factory=dict)
    codes: dict[str, Code] = field(default_factory=dict)
    tokens: dict[str, Token] = field(default_factory=dict)
    refreshing: dict[str, Token] = field(default_factory=dict)
    wrong: dict[str, Any] = field(default_factory=dict)
    sign_with: RSAKey = field(default_factory=lambda: KEY)
    is_down: bool = False
    issuer: str = ""
    asked: list[str] = field(default_factory=list)

    def answer_of(self, address: str, subject: str) -> str:
        """Sign *subject* in at the address that a browser was sent to, and return where it is sent back to."""
        answer = httpx.post(address, data={"subject": subject})
        assert answer.status_code == 302, answer.text
        return str(answer.headers["Location"])


@contextmanager
def serving(back: str) -> Iterator[LocalProvider]:
    """Serve a provider that sends browsers back to *back*."""
    provider = LocalProvider()
    application = _application(provider, Client(back))
    server = make_server("127.0.0.1", 0, application, threaded=True)
    provider.issuer = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    before = os.environ.get("AUTHLIB_INSECURE_TRANSPORT")
    os.environ["AUTHLIB_INSECURE_TRANSPORT"] = "1"
    thread.start()
    try:
        yield provider
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
        if before is None:
            del os.environ["AUTHLIB_INSECURE_TRANSPORT"]


def _application(provider: LocalProvider, client: Client) -> flask.Flask:
    application = flask.Flask("provider")
    application.config["OAUTH2_REFRESH_TOKEN_GENERATOR"] = True

    def save_token(token: dict[str, Any], request: Any) -> None:
        kept = Token(request.user, token["scope"])
        provider.tokens[token["access_token"]] = kept
        if "refresh_token" in token:
            provider.refreshing[token["refresh_token"]] = kept

    server = AuthorizationServer(application, query_client=lambda _id: client, save_token=save_token)
    _register(provider, server)
    protect = ResourceProtector()
    protect.register_token_validator(_validator(provider))

    @application.before_request
    def note() -> Any:
        provider.asked.append(flask.request.path)
        return ("down", 503) if provider.is_down else None

    @application.get("/.well-known/openid-configuration")
    def about() -> Any:
        names = {"authorization": "authorize", "token": "token", "userinfo": "userinfo", "end_session": "end"}
        endpoints = {f"{name}_endpoint": f"{provider.issuer}/{path}" for name, path in names.items()}
        return {"issuer": provider.issuer, "jwks_uri": f"{provider.issuer}/keys", **endpoints}

    @application.get("/keys")
    def keys() -> Any:
        return {"keys": [KEY.as_dict(private=False)]}

    @application.post("/authorize")
    def authorize() -> Any:
        subject = flask.request.form["subject"]
        grant = server.get_consent_grant(end_user=subject)
        return server.create_authorization_response(grant=grant, grant_user=subject)

    @application.post("/token")
    def token() -> Any:
        return server.create_token_response()

    @application.get("/userinfo")
    def userinfo() -> Any:
        with protect.acquire() as found:
            return {"sub": found.subject, **provider.claims[found.subject]}

    return application


def _register(provider: LocalProvider, server: Any) -> None:
    server.register_grant(_codes(provider), [CodeChallenge(required=True), _identity(provider)])
    server.register_grant(_refreshing(provider))


def _codes(provider: LocalProvider) -> type[grants.AuthorizationCodeGrant]:
    class CodeGrant(grants.AuthorizationCodeGrant):
        @override
        def save_authorization_code(self, code: str, request: Any) -> None:
            asked = request.payload.data
            said = (asked["nonce"], asked["code_challenge"], asked["code_challenge_method"])
            provider.codes[code] = Code(request.user, asked["redirect_uri"], asked["scope"], *said)

        @override
        def query_authorization_code(self, code: str, client: Client) -> Code | None:
            return provider.codes.get(code)

        @override
        def delete_authorization_code(self, authorization_code: Code) -> None:
            provider.codes = {code: it for code, it in provider.codes.items() if it is not authorization_code}

        @override
        def authenticate_user(self, authorization_code: Code) -> str | None:
            return authorization_code.subject if authorization_code.subject in provider.claims else None

    return CodeGrant


def _refreshing(provider: LocalProvider) -> type[grants.RefreshTokenGrant]:
    class RefreshGrant(grants.RefreshTokenGrant):
        INCLUDE_NEW_REFRESH_TOKEN = True

        @override
        def authenticate_refresh_token(self, refresh_token: str) -> Token | None:
            found = provider.refreshing.pop(refresh_token, None)
            return found if found is not None and found.subject in provider.claims else None

        @override
        def authenticate_user(self, refresh_token: Token) -> str | None:
            return refresh_token.subject if refresh_token.subject in provider.claims else None

        @override
        def revoke_old_credential(self, refresh_token: Token) -> None:
            """It was taken when it was used."""

    return RefreshGrant


def _identity(provider: LocalProvider) -> OpenIDCode:
    class Identity(OpenIDCode):
        @override
        def exists_nonce(self, nonce: str, request: Any) -> bool:
            return any(code.nonce == nonce for code in provider.codes.values())

        @override
        def resolve_client_private_key(self, client: Any) -> RSAKey:
            return provider.sign_with

        @override
        def get_client_claims(self, client: Any) -> dict[str, Any]:
            return {"iss": provider.issuer, "aud": [CLIENT]}

        @override
        def generate_user_info(self, user: str, scope: str) -> UserInfo:
            return UserInfo({"sub": user, **provider.claims[user], **provider.wrong})

    made: Any = Identity
    identity: OpenIDCode = made(require_nonce=True)
    return identity


def _validator(provider: LocalProvider) -> BearerTokenValidator:
    class Validator(BearerTokenValidator):
        @override
        def authenticate_token(self, token_string: str) -> Token | None:
            return provider.tokens.get(token_string)

    made: Any = Validator
    validator: BearerTokenValidator = made()
    return validator
