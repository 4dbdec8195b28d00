"""
SCIM 2.0 under ``/.scim/v2/``: an organisation tells of its people (RFC 7643, RFC 7644).

The protocol is scim2-server's; what is kept and what follows from it is for `sync.scim`. There are users and no groups.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping
from functools import partial
from typing import Any
from urllib.parse import parse_qsl

from scim2_models import (
    EnterpriseUser,
    InvalidFilterException,
    InvalidValueException,
    Meta,
    NotFoundException,
    PreconditionFailedException,
    Resource,
    ResourceType,
    ResponseParameters,
    SCIMException,
    ScimProvider,
    SearchRequest,
    ServiceProviderConfig,
    UniquenessException,
    User,
)
from scim2_models.path import CompareOperator, Comparison
from scim2_server.handler import ScimHandler
from scim2_server.requests import ScimRequest
from scim2_server.responses import ScimResponse
from scim2_server.service import ScimService
from scim2_server.storage import ScimStorage, SearchPage
from typing_extensions import override

from radicale_plugin.dav.responses import Response
from sync.database.engine import Database
from sync.errors import AlreadyExists, EndsDue, EvercardError, InvalidInput, NotFound, PreconditionFailed
from sync.scim import users

#: How many people are in one answer at most.
PAGE = 200
_MEDIA_TYPE = "application/scim+json"


class Scim:
    """What an organisation may ask, for one process."""

    def __init__(self, database: Database, root: str) -> None:
        """Prepare to answer at the address *root*."""
        config = ServiceProviderConfig.model_validate(_CAPABILITIES)
        bound = ResourceType.from_resource(User[EnterpriseUser])
        provider = ScimProvider(models=[User, EnterpriseUser], resource_types=[bound], config=config)
        self._service = ScimService(provider)
        self._handler = ScimHandler(self._service, _Storage(database, provider.model_for("User")))
        self._root = root

    def answer(self, environ: Mapping[str, Any], path: str, body: bytes) -> Response:
        """Answer a request for *path* below the root, of somebody who may ask."""
        headers = {"Content-Type": environ.get("CONTENT_TYPE") or ""}
        headers |= {name: environ[key] for name, key in _HEARD.items() if key in environ}
        query = dict(parse_qsl(environ.get("QUERY_STRING", ""), keep_blank_values=True))
        request = ScimRequest(environ["REQUEST_METHOD"], self._root, path, query, headers, body)
        try:
            return _sent(self._handler.handle(request))
        except SCIMException as error:
            return _sent(self._service.error_response(error))
        except EndsDue:
            raise
        except EvercardError as error:
            return _sent(self._service.error_response(_refused(error)))


_HEARD = {"If-Match": "HTTP_IF_MATCH", "If-None-Match": "HTTP_IF_NONE_MATCH", "Accept": "HTTP_ACCEPT"}
_CAPABILITIES = {
    "patch": {"supported": True},
    "bulk": {"supported": False, "maxOperations": 0, "maxPayloadSize": 0},
    "filter": {"supported": True, "maxResults": PAGE},
    "changePassword": {"supported": False},
    "sort": {"supported": False},
    "etag": {"supported": True},
    "authenticationSchemes": [
        {
            "type": "oauthbearertoken",
            "name": "Bearer token",
            "description": "A token that `evercard scim add` made.",
            "primary": True,
        }
    ],
}


class _Storage(ScimStorage):
    """People as the library asks for them."""

    def __init__(self, database: Database, model: Any) -> None:
        self._database, self._model = database, model

    @override
    def get(
        self,
        resource_type: ResourceType,
        resource_id: str,
        *,
        response_parameters: ResponseParameters[Any] | None = None,
    ) -> Resource[Any]:
        with self._database.reading() as session:
            return self._resource(_translated(lambda: users.read(session, resource_id)))

    @override
    def search(
        self, resource_types: list[ResourceType], search_request: SearchRequest[Any], *, position: Any = None
    ) -> SearchPage:
        first = max(0, (search_request.start_index or 1) - 1)
        most = PAGE if search_request.count is None else min(PAGE, search_request.count)
        with self._database.reading() as session:
            if search_request.filter is None:
                total, found = users.page(session, first, most)
                return SearchPage(total, [self._resource(each) for each in found])
            one = _found(session, search_request.filter)
        shown = [one] if one is not None and first == 0 and most else []
        return SearchPage(0 if one is None else 1, [self._resource(each) for each in shown])

    @override
    def create(self, resource_type: ResourceType, resource: Resource[Any]) -> Resource[Any]:
        create = partial(users.create, document=resource.model_dump())
        return self._resource(_translated(lambda: self._database.write(create)))

    @override
    def update(
        self, resource_type: ResourceType, resource: Resource[Any], *, expected_version: str | None = None
    ) -> Resource[Any]:
        told, expected = resource.model_dump(), _number(expected_version)
        replace = partial(users.replace, user_id=str(resource.id), document=told, expected=expected)
        return self._resource(_translated(lambda: self._database.write(replace)))

    @override
    def delete(self, resource_type: ResourceType, resource_id: str, *, expected_version: str | None = None) -> None:
        _translated(lambda: users.take_back(self._database, resource_id, _number(expected_version)))

    def _resource(self, user: users.User) -> Resource[Any]:
        made: Resource[Any] = self._model.model_validate(user.document)
        made.id = user.id
        made.meta = Meta(
            resource_type="User",
            created=_moment(user.created_at),
            last_modified=_moment(user.changed_at),
            version=f'W/"{user.version}"',
        )
        return made


def _found(session: Any, wanted: Any) -> users.User | None:
    """Return whom a filter asks for; there are those that ask for one person by a name."""
    node = wanted.ast
    if not (isinstance(node, Comparison) and node.op == CompareOperator.eq and isinstance(node.value, str)):
        raise InvalidFilterException(detail=_FILTERS)
    name = str(node.attr_path).rpartition(":")[2].lower()
    if name == "id":
        try:
            return users.read(session, node.value)
        except NotFound:
            return None
    for kind in (users.USER_NAME, users.EXTERNAL_ID):
        if name == kind.lower():
            return users.find(session, kind, node.value)
    raise InvalidFilterException(detail=_FILTERS)


_FILTERS = 'People are found by userName eq "…", externalId eq "…" or id eq "…".'


def _translated(act: Any) -> Any:
    try:
        return act()
    except EvercardError as error:
        raise _refused(error) from error


def _refused(error: EvercardError) -> Exception:
    match error:
        case NotFound():
            return NotFoundException(detail=str(error))
        case AlreadyExists():
            return UniquenessException(detail=str(error))
        case PreconditionFailed():
            return PreconditionFailedException(detail=str(error))
        case InvalidInput():
            return InvalidValueException(detail=str(error))
    return error


def _number(version: str | None) -> int | None:
    digits = (version or "").removeprefix("W/").strip('"')
    if version is None:
        return None
    return int(digits) if digits.isdecimal() else -1


def _moment(seconds: int) -> dt.datetime:
    return dt.datetime.fromtimestamp(seconds, dt.UTC)


def _sent(answer: ScimResponse) -> Response:
    body = b"" if answer.body is None else json.dumps(answer.body).encode()
    return Response(int(answer.status), [*answer.headers.items(), ("Cache-Control", "no-store")], body)
