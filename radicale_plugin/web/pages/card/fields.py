"""The fields of one's own card, and their order. One page shows them; a field is typed in its row."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from flask import Response, abort, request, url_for

from radicale_plugin.web import field_forms, strangers
from radicale_plugin.web.field_display import Shown, icon_of, kind_title, shown
from radicale_plugin.web.field_forms import MOST_FORMS, FieldForm, Typing
from radicale_plugin.web.ids import as_id, posted_ids, posted_ticks
from radicale_plugin.web.language import gettext as _
from radicale_plugin.web.once import once
from radicale_plugin.web.page import attempt, go, page, say
from radicale_plugin.web.pages.card.area import blueprint
from radicale_plugin.web.preview import Preview, preview_of
from radicale_plugin.web.seen_by import SeenBy, Word
from radicale_plugin.web.signed_in import current_person, database
from sync.database.engine import Session
from sync.errors import Conflict, InvalidInput, NotFound
from sync.fields import CATALOGUE, FieldContent, full_name, parts
from sync.household import shares
from sync.profiles import profiles
from sync.queries import connected_people
from sync.sharing import grants
from sync.sharing.cards import content_of
from sync.sharing.visibility import Adjustment, fields_of

#: What is offered before all other kinds.
FIRST_KINDS = ("mobile", "email", "address", "birthday")


@dataclass(frozen=True, slots=True)
class TypingOnCard(Typing):
    """
    *ticked* are the groups that are to see the field, *had* those that do.

    *proposed* are the names of those that are ticked since they see the field that was added before.
    """

    ticked: set[int] = field(default_factory=set)
    had: set[int] = field(default_factory=set)
    proposed: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Row:
    """A field of the card. *seen_by* are words about groups and people; *typing* is the form that the row has in it."""

    id: int
    kind: str
    icon: str
    digest: str
    line: Shown
    is_typed: bool
    is_open: bool
    seen_by: list[Word]
    withheld_from: list[str]
    typing: TypingOnCard | None


@blueprint.get("/")
def index() -> Response:
    """Show the card as its owner sees it, or how it looks to somebody where a script asks for that alone."""
    if request.headers.get("HX-Target") == "looks-card":
        with database().reading() as session:
            total = len(fields_of(session, current_person().account_id))
            return page("card/look.html", **_look(session, total))
    return _show(open_id=as_id(request.args.get("open", "")) or 0)


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
            field_id = database().write(once(insert, url_for("card.index")))
        except InvalidInput as error:
            form.refuse(field_forms.first_input(form, real, shape), error)
        else:
            if chosen:
                say(_("%(title)s is on your card.", title=field_forms.title_of(kind)))
            else:
                say(_("%(title)s is on your card. Nobody but you sees it yet.", title=field_forms.title_of(kind)))
            strangers.say_what_they_see(chosen)
            return go("card.index", after=field_id, _anchor=f"field-{field_id}")
    title = field_forms.title_of(kind)
    adding = TypingOnCard(form, field_forms.inputs(form, real, shape), kind, title, ticked=set(chosen))
    return _show(form.status, adding=adding)


@blueprint.route("/fields/<int:field_id>", methods=["GET", "POST"])
def edit(field_id: int) -> Response:
    """Give a field another value, and say who may see it."""
    person = current_person()
    with database().reading() as session:
        content = _content(session, person.account_id, field_id)
    taken = parts.parts_of(content)
    if taken is None:
        return go("card.photo") if content.kind == "photo" else go("card.index", _anchor=f"field-{field_id}")
    form = field_forms.form_for(content.kind, taken.shape, content)
    status = form.status
    if form.accepted():
        given, taken_back = posted_ticks("groups")
        adjustment = Adjustment(
            frozenset((group_id, field_id) for group_id in given),
            frozenset((group_id, field_id) for group_id in taken_back),
        )

        def change(session: Session) -> None:
            now = _content(session, person.account_id, field_id)
            said = parts.parts_of(now)
            label = said.label if said else ""
            changed = parts.put_together(now.kind, field_forms.typed(form, now.kind, taken.shape, label), now)
            profiles.set_field(session, person.account_id, field_id, changed, seen=form.seen.data or "")
            grants.adjust(session, person.account_id, adjustment)

        try:
            database().write(change)
        except Conflict as error:
            form.refuse(field_forms.first_input(form, content.kind, taken.shape), error)
            # Whoever sends it again has seen what it says.
            form.seen.data = content.digest
            status = 409
        except InvalidInput as error:
            form.refuse(field_forms.first_input(form, content.kind, taken.shape), error)
        else:
            say(_("%(title)s is changed, for everybody who sees it.", title=kind_title(content.kind)))
            strangers.say_what_they_see(given)
            return go("card.index", _anchor=f"field-{field_id}")
    return _show(status, open_id=field_id, form=form)


@blueprint.post("/fields/<int:field_id>/move")
def move(field_id: int) -> Response:
    """Move a field among the others: up or down, or by so many places."""
    person = current_person()
    said = request.form.get("steps", "")
    steps = {"up": -1, "down": 1}.get(request.form.get("where", ""), 0)
    if (number := as_id(said.removeprefix("-"))) is not None:
        steps = min(number, 1_000) * (-1 if said.startswith("-") else 1)
    at = as_id(request.form.get("at", ""))
    database().write(lambda session: profiles.move_field(session, person.account_id, field_id, steps, at=at))
    # Whoever pressed a button in the row wants to press it again.
    is_open = field_id if steps and not said else None
    if request.headers.get("HX-Request"):
        return _show(open_id=is_open or 0)
    return go("card.index", open=is_open, _anchor=f"field-{field_id}")


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


def _show(
    status: int = 200, *, open_id: int = 0, form: FieldForm | None = None, adding: TypingOnCard | None = None
) -> Response:
    """Show the card, with the row *open_id* open and *form* in it, or with a form that adds something."""
    person = current_person()
    after = as_id(request.args.get("after", "")) or 0
    with database().reading() as session:
        stored = fields_of(session, person.account_id)
        seen = SeenBy(session, person.account_id)
        look = _look(session, len(stored))
        followed = shares.followed_by(session, person.account_id)
        sources = connected_people.some(session, person.account_id, set(followed.values()))
    contents = {field.id: content_of(field) for field in stored}
    rows = [
        _row(field_id, content, seen, is_open=field_id == open_id, form=form, status=status, few=_are_few(contents))
        for field_id, content in contents.items()
    ]
    if adding is not None and request.method == "GET":
        adding = _as_before(adding, seen, after)
    offered = field_forms.offered()
    titles = {key: title for _group, found in offered for key, title in found}
    return page(
        "card/index.html",
        status,
        rows=rows,
        claimed={each.id for each in stored if each.claim is not None},
        followed={own: sources[source].name for own, source in followed.items() if source in sources},
        adding=adding,
        after=after,
        is_more_open=bool(after) or (adding is not None and adding.kind not in FIRST_KINDS),
        groups=seen.groups,
        picture=next((row.line.picture for row in rows if row.line.picture), ""),
        name=full_name(contents.values(), person.login),
        offered=offered,
        first_kinds=[(key, titles[key]) for key in FIRST_KINDS],
        **look,
    )


def _look(session: Session, total: int) -> dict[str, Preview | int]:
    """Return how the card looks to whoever is chosen, and how many of all its fields it has not."""
    preview = preview_of(session, request.args.get("who", ""))
    return {"preview": preview, "hidden": total - len(preview.card.lines) - bool(preview.card.picture)}


def _as_before(adding: TypingOnCard, seen: SeenBy, after: int) -> TypingOnCard:
    """Propose for what is added the groups that see the field *after* which it is added; strangers never."""
    proposed = [group for group in seen.groups if group.id in seen.ticked(after) and not group.is_everybody]
    return replace(adding, ticked={group.id for group in proposed}, proposed=[group.title for group in proposed])


def _row(
    field_id: int,
    content: FieldContent,
    seen: SeenBy,
    *,
    is_open: bool,
    form: FieldForm | None,
    status: int,
    few: bool,
) -> Row:
    taken = parts.parts_of(content)
    typing = None
    if taken is not None and (is_open or few):
        now = shown(content) if is_open and status == 409 else None
        typing = _typing(form if is_open else None, content, taken.shape, seen.ticked(field_id), now)
    return Row(
        id=field_id,
        kind=content.kind,
        icon=icon_of(content.kind),
        digest=content.digest,
        line=shown(content),
        is_typed=taken is not None,
        is_open=is_open,
        seen_by=seen.words(field_id),
        withheld_from=seen.people(field_id, allowed=False),
        typing=typing,
    )


def _typing(
    form: FieldForm | None, content: FieldContent, shape: str, ticked: set[int], now: Shown | None
) -> TypingOnCard:
    # What was ticked stays ticked where a form is shown again.
    chosen = set(posted_ids("groups")) if form is not None and request.method == "POST" else ticked
    given = form or field_forms.unsent(content.kind, shape, content)
    inputs = field_forms.inputs(given, content.kind, shape)
    return TypingOnCard(given, inputs, content.kind, kind_title(content.kind), now, chosen, ticked)


def _are_few(contents: dict[int, FieldContent]) -> bool:
    return len(contents) <= MOST_FORMS


def _content(session: Session, owner_id: int, field_id: int) -> FieldContent:
    for stored in fields_of(session, owner_id):
        if stored.id == field_id:
            return content_of(stored)
    raise NotFound("There is no such field.")


def _is_offered(kind: str) -> bool:
    return kind in CATALOGUE or kind == field_forms.NAME_PARTS
