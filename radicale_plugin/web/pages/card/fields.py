"""The fields of one's own card, and their order."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from flask import Response, abort, request

from radicale_plugin.web import field_forms
from radicale_plugin.web.audiences import audiences, group_title
from radicale_plugin.web.field_display import Shown, kind_title, shown
from radicale_plugin.web.field_forms import FieldForm
from radicale_plugin.web.ids import posted_ids
from radicale_plugin.web.language import gettext as _
from radicale_plugin.web.page import attempt, go, page, say
from radicale_plugin.web.pages.card.area import blueprint
from radicale_plugin.web.signed_in import current_person, database
from sync.database import accounts
from sync.database.engine import Session
from sync.errors import Conflict, InvalidInput, NotFound
from sync.fields import CATALOGUE, FieldContent, full_name, parts
from sync.profiles import profiles
from sync.sharing import grants, groups
from sync.sharing.cards import content_of
from sync.sharing.visibility import Adjustment, fields_of, grants_of


@dataclass(frozen=True, slots=True)
class Row:
    """A field of the card as the list of them shows it. *seen_by* are names of groups and people."""

    id: int
    kind: str
    digest: str
    line: Shown
    is_typed: bool
    seen_by: list[str]
    withheld_from: list[str]


@blueprint.get("/")
def index() -> Response:
    """Show the card as its owner sees it."""
    person = current_person()
    with database().reading() as session:
        stored = fields_of(session, person.account_id)
        seen = _Seen(session, person.account_id)
    contents = [(field.id, content_of(field)) for field in stored]
    rows = [
        Row(
            id=field_id,
            kind=content.kind,
            digest=content.digest,
            line=shown(content),
            is_typed=parts.parts_of(content) is not None,
            seen_by=seen.by(field_id),
            withheld_from=seen.people(field_id, allowed=False),
        )
        for field_id, content in contents
    ]
    picture = next((row.line.picture for row in rows if row.line.picture), "")
    name = full_name((content for _id, content in contents), person.login)
    return page("card/index.html", rows=rows, picture=picture, name=name, offered=field_forms.offered())


@blueprint.get("/add")
def choose() -> Response:
    """Show what can be added; or go on to it where it is chosen."""
    kind = request.args.get("kind", "")
    if not _is_offered(kind):
        return page("card/choose.html", offered=field_forms.offered())
    return go("card.photo") if kind == "photo" else go("card.add", kind=kind)


@blueprint.route("/add/<kind>", methods=["GET", "POST"])
def add(kind: str) -> Response:
    """Add a field, and say who may see it."""
    person = current_person()
    if not _is_offered(kind) or kind == "photo":
        abort(404)
    real, shape = ("name", parts.NAME) if kind == field_forms.NAME_PARTS else (kind, parts.shape_of_kind(kind))
    form = field_forms.form_for(real, shape)
    chosen = posted_ids("groups") if request.method == "POST" else []
    if form.accepted():

        def insert(session: Session) -> int:
            content = parts.put_together(real, field_forms.typed(form, real, shape))
            field_id = profiles.add_field(session, person.account_id, content)
            given = frozenset((group_id, field_id) for group_id in chosen)
            grants.adjust(session, person.account_id, Adjustment(granted=given))
            return field_id

        try:
            field_id = database().write(insert)
        except InvalidInput as error:
            form.refuse(_first(form, real, shape), error)
        else:
            if chosen:
                say(_("%(title)s is on your card.", title=field_forms.title_of(kind)))
            else:
                say(_("%(title)s is on your card. Nobody but you sees it yet.", title=field_forms.title_of(kind)))
            return go("card.index", _anchor=f"field-{field_id}")
    with database().reading() as session:
        offered = audiences(groups.groups_of(session, person.account_id))
    values = {"kind": real, "title": field_forms.title_of(kind), "field_id": None, "now": None}
    inputs = field_forms.inputs(form, real, shape)
    return page("card/field.html", form.status, form=form, inputs=inputs, groups=offered, chosen=chosen, **values)


@blueprint.route("/fields/<int:field_id>", methods=["GET", "POST"])
def edit(field_id: int) -> Response:
    """Give a field another value."""
    person = current_person()
    with database().reading() as session:
        content = _content(session, person.account_id, field_id)
        taken = parts.parts_of(content)
        seen_by = _Seen(session, person.account_id).by(field_id)
    if taken is None:
        return go("card.photo") if content.kind == "photo" else go("card.index", _anchor=f"field-{field_id}")
    form = field_forms.form_for(content.kind, taken.shape, content)
    status = form.status
    if form.accepted():

        def change(session: Session) -> None:
            now = _content(session, person.account_id, field_id)
            said = parts.parts_of(now)
            label = said.label if said else ""
            changed = parts.put_together(now.kind, field_forms.typed(form, now.kind, taken.shape, label), now)
            profiles.set_field(session, person.account_id, field_id, changed, seen=form.seen.data or "")

        try:
            database().write(change)
        except Conflict as error:
            form.refuse(_first(form, content.kind, taken.shape), error)
            # Whoever sends it again has seen what it says.
            form.seen.data = content.digest
            status = 409
        except InvalidInput as error:
            form.refuse(_first(form, content.kind, taken.shape), error)
        else:
            say(_("%(title)s is changed, for everybody who sees it.", title=kind_title(content.kind)))
            return go("card.index", _anchor=f"field-{field_id}")
    return page(
        "card/field.html",
        status,
        form=form,
        inputs=field_forms.inputs(form, content.kind, taken.shape),
        kind=content.kind,
        title=kind_title(content.kind),
        field_id=field_id,
        now=shown(content) if status == 409 else None,
        seen_by=seen_by,
    )


@blueprint.post("/fields/<int:field_id>/move")
def move(field_id: int) -> Response:
    """Move a field up or down among the others."""
    person = current_person()
    steps = {"up": -1, "down": 1}.get(request.form.get("where", ""), 0)
    database().write(lambda session: profiles.move_field(session, person.account_id, field_id, steps))
    return go("card.index", _anchor=f"field-{field_id}")


@blueprint.post("/fields/<int:field_id>/remove")
def remove(field_id: int) -> Response:
    """Take a field off the card."""
    person = current_person()
    seen = request.form.get("seen", "")

    def delete(session: Session) -> str:
        content = _content(session, person.account_id, field_id)
        profiles.remove_field(session, person.account_id, field_id, seen=seen)
        return kind_title(content.kind)

    removed: list[str] = []
    if attempt(lambda: removed.append(database().write(delete))):
        say(_("%(title)s is taken off your card. You can undo that in the history.", title=removed[-1]))
    return go("card.index")


def _content(session: Session, owner_id: int, field_id: int) -> FieldContent:
    for field in fields_of(session, owner_id):
        if field.id == field_id:
            return content_of(field)
    raise NotFound("There is no such field.")


def _is_offered(kind: str) -> bool:
    return kind in CATALOGUE or kind == field_forms.NAME_PARTS


def _first(form: FieldForm, kind: str, shape: str) -> str:
    return str(field_forms.inputs(form, kind, shape)[0].name)


class _Seen:
    """Who sees which field: groups, and single people as exceptions."""

    def __init__(self, session: Session, owner_id: int) -> None:
        found = groups.groups_of(session, owner_id)
        granted = grants_of(session, owner_id)
        self._everybody = granted.strangers
        self._groups = [(group_title(group), granted.by_group.get(group.id, frozenset())) for group in found]
        self._exceptions = grants.exceptions_of(session, owner_id)
        self._logins: Mapping[int, str] = accounts.logins(session, self._exceptions)

    def by(self, field_id: int) -> list[str]:
        """Return the names of groups and people that see a field."""
        if field_id in self._everybody:
            return [_("everybody")]
        named = [name for name, granted in self._groups if field_id in granted]
        return [*named, *self.people(field_id, allowed=True)]

    def people(self, field_id: int, *, allowed: bool) -> list[str]:
        """Return the logins of those for whom there is an exception."""
        return sorted(
            self._logins.get(viewer_id, "")
            for viewer_id, fields in self._exceptions.items()
            if fields.get(field_id) is allowed
        )
