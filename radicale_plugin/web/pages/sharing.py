"""Who sees what: the matrix of fields and groups, exceptions for single people, and the card that each of them gets."""

from __future__ import annotations

from dataclasses import dataclass

from flask import Blueprint, Response, make_response, request
from werkzeug.exceptions import BadRequest

from radicale_plugin.web import strangers
from radicale_plugin.web.audiences import Audience, audiences, group_title
from radicale_plugin.web.field_display import Shown, shown
from radicale_plugin.web.ids import as_id, posted_ids
from radicale_plugin.web.language import gettext as _
from radicale_plugin.web.page import attempt, go, page, say
from radicale_plugin.web.people import place_of_page, sought
from radicale_plugin.web.preview import PERSON, chosen, preview_of, text_for
from radicale_plugin.web.signed_in import current_person, database
from sync.database.engine import Session
from sync.ends import setting
from sync.errors import NotFound
from sync.queries import connected_people
from sync.sharing import grants, groups
from sync.sharing.cards import content_of
from sync.sharing.visibility import UNCHANGED, Adjustment, Composition, composition_of, fields_of, grants_of

blueprint = Blueprint("sharing", __name__, url_prefix="/sharing")

#: More boxes than that are shown for one group at a time.
MOST_BOXES = 1_500
#: Characters of a field that a cell of the matrix shows.
MOST_CHARACTERS = 40
#: Where one person's exceptions are concerned: as the groups say, always, never.
CHOICES = {"groups": None, "always": True, "never": False}

Boxes = frozenset[tuple[int, int]]


@dataclass(frozen=True, slots=True)
class Row:
    """A field in the matrix. *heading* and *text* are what each of its cells says, which may be hundreds."""

    id: int
    line: Shown
    heading: str
    text: str


@blueprint.get("/")
def index() -> Response:
    """Show who sees what."""
    return _matrix()


@blueprint.post("/")
def save() -> Response:
    """Grant and take back what was changed in the form, and nothing else."""
    adjustment = _adjustment()
    person = current_person()
    if adjustment == UNCHANGED:
        say(_("Nothing was changed."))
    elif attempt(lambda: database().write(lambda session: grants.adjust(session, person.account_id, adjustment))):
        say(_("Saved. From now on everybody gets just what is ticked."))
        strangers.say_what_they_see(group_id for group_id, _field_id in adjustment.granted)
    return go("sharing.index", who=request.form.get("who") or None, group=request.form.get("only") or None)


@blueprint.post("/preview")
def preview() -> Response:
    """Show what somebody would get if the form were saved."""
    adjustment = _adjustment()
    if not request.headers.get("HX-Request"):
        return _matrix(adjustment)
    owner_id = current_person().account_id
    with database().reading() as session:
        found = preview_of(session, request.form.get("who", ""), adjustment)
        every = audiences(groups.groups_of(session, owner_id))
        ticked = _after(_granted(session, owner_id, every), adjustment)
        opened = _open(_rows(session, owner_id), every, ticked)
    return page("sharing/preview.html", preview=found, opened=opened)


@blueprint.get("/card")
def card() -> Response:
    """Give the very card of a group, a person or strangers as a file."""
    version = "4.0" if request.args.get("version") == "4.0" else "3.0"
    with database().reading() as session:
        text = text_for(session, *chosen(session, request.args.get("who", ""))[:2], version)
    answer = make_response(text)
    answer.headers["Content-Type"] = "text/vcard; charset=utf-8"
    answer.headers["Content-Disposition"] = f'attachment; filename="{current_person().login}.vcf"'
    return answer


@blueprint.get("/people")
def people() -> Response:
    """Show the connections, of whom exceptions can be made."""
    person = current_person()
    text = sought()
    with database().reading() as session:
        listed = connected_people.page_of(session, person.account_id, text, place_of_page())
        ids = [each.account_id for each in listed.people]
        exceptions = grants.exceptions_of(session, person.account_id, ids)
    counts = {viewer_id: len(of_person) for viewer_id, of_person in exceptions.items()}
    return page("sharing/people.html", listed=listed, text=text, counts=counts)


@blueprint.get("/people/<int:viewer_id>")
def person(viewer_id: int) -> Response:
    """Show what one person sees, and why."""
    owner = current_person()
    with database().reading() as session:
        who = connected_people.find(session, owner.account_id, viewer_id)
        if who is None:
            raise NotFound("These two are not connected.")
        found = preview_of(session, f"{PERSON}{viewer_id}", UNCHANGED)
        composition = composition_of(session, owner.account_id, viewer_id)
        by_groups = grants_of(session, owner.account_id).visible(Composition(composition.groups))
        rows = _rows(session, owner.account_id)
        until = {
            end.target.field_id: end
            for end in setting.ends_of(session, owner.account_id)
            if end.target.viewer_id == viewer_id
        }
        named = [
            group_title(group)
            for group in groups.groups_of(session, owner.account_id)
            if group.id in composition.groups
        ]
    choices = {
        row.id: "always" if row.id in composition.allowed else "never" if row.id in composition.withheld else "groups"
        for row in rows
    }
    return page(
        "sharing/person.html",
        who=who,
        rows=rows,
        choices=choices,
        by_groups=by_groups,
        groups=named,
        preview=found,
        until=until,
    )


@blueprint.post("/people/<int:viewer_id>")
def save_person(viewer_id: int) -> Response:
    """Make the exceptions that were changed in the form."""
    owner = current_person()
    changed: dict[int, bool | None] = {}
    for field_id in posted_ids("field"):
        had, now = (request.form.get(f"{name}-{field_id}", "groups") for name in ("had", "now"))
        if now not in CHOICES:
            raise BadRequest
        if had != now:
            changed[field_id] = CHOICES[now]
    if not changed:
        say(_("Nothing was changed."))
    elif attempt(
        lambda: database().write(lambda session: grants.except_fields(session, owner.account_id, viewer_id, changed))
    ):
        say(_("Saved. It is so from now on."))
    else:
        return go("sharing.people")
    return go("sharing.person", viewer_id=viewer_id)


def _matrix(adjustment: Adjustment = UNCHANGED) -> Response:
    owner_id = current_person().account_id
    sent = request.form if request.method == "POST" else request.args
    with database().reading() as session:
        every = audiences(groups.groups_of(session, owner_id))
        rows = _rows(session, owner_id)
        granted = _granted(session, owner_id, every)
        people = list(connected_people.first(session, owner_id))
        found = preview_of(session, sent.get("who", ""), adjustment)
        until = {(end.target.group_id, end.target.field_id): end for end in setting.ends_of(session, owner_id)}
        person = connected_people.find(session, owner_id, as_id(found.who.removeprefix(PERSON)) or 0)
        if person is not None and person not in people:
            people.append(person)
    is_all_shown = len(rows) * len(every) <= MOST_BOXES
    only = as_id(sent.get("go") or sent.get("only" if request.method == "POST" else "group", ""))
    shown_groups = [group for group in every if group.id == only] or (every if is_all_shown else every[:1])
    ticked = _after(granted, adjustment)
    return page(
        "sharing/index.html",
        rows=rows,
        groups=shown_groups,
        every=every,
        is_all_shown=is_all_shown,
        had=granted,
        ticked=ticked,
        implied={field_id for group_id, field_id in ticked if group_id in _everybody(every)},
        implied_by_connections={field_id for group_id, field_id in ticked if group_id in _connections(every)},
        carried=_carried(adjustment, shown_groups),
        people=people,
        preview=found,
        opened=_open(rows, every, ticked),
        opening=[row.heading for row in rows if any((each, row.id) in ticked - granted for each in _everybody(every))],
        until=until,
        unsaved=adjustment != UNCHANGED,
    )


def _granted(session: Session, owner_id: int, every: list[Audience]) -> Boxes:
    given = grants_of(session, owner_id)
    return frozenset((group.id, field_id) for group in every for field_id in given.by_group.get(group.id, ()))


def _after(granted: Boxes, adjustment: Adjustment) -> Boxes:
    return (granted | adjustment.granted) - adjustment.taken_back


def _everybody(every: list[Audience]) -> set[int]:
    return {group.id for group in every if group.is_everybody}


def _connections(every: list[Audience]) -> set[int]:
    return {group.id for group in every if group.is_built_in and not (group.is_everybody or group.is_organisation)}


def _open(rows: list[Row], every: list[Audience], ticked: Boxes) -> list[str]:
    """Return what strangers see, or would see, in words."""
    everybody = _everybody(every)
    return [row.line.title for row in rows if any((group_id, row.id) in ticked for group_id in everybody)]


def _carried(adjustment: Adjustment, shown_groups: list[Audience]) -> list[tuple[str, str]]:
    """Return what a page about some groups has to keep of changes for others: names and values of hidden inputs."""
    here = {group.id for group in shown_groups}
    granted = [box for box in sorted(adjustment.granted) if box[0] not in here]
    taken = [box for box in sorted(adjustment.taken_back) if box[0] not in here]
    others = sorted({group_id for group_id, _field in (*granted, *taken)})
    return [
        *(("group", str(group_id)) for group_id in others),
        *(("box", f"{group_id}-{field_id}") for group_id, field_id in granted),
        *(("had", f"{group_id}-{field_id}") for group_id, field_id in taken),
    ]


def _rows(session: Session, owner_id: int) -> list[Row]:
    lines = [(field.id, shown(content_of(field))) for field in fields_of(session, owner_id)]
    return [Row(field_id, line, line.heading, _short(line.text)) for field_id, line in lines]


def _short(text: str) -> str:
    return text if len(text) <= MOST_CHARACTERS else f"{text[: MOST_CHARACTERS - 1].rstrip()}…"


def _adjustment() -> Adjustment:
    """What was changed in the form between being opened and sent; of what it did not show, nothing."""
    had, now = _boxes("had"), _boxes("box")
    group_ids, field_ids = set(posted_ids("group")), set(posted_ids("field"))

    def among_shown(boxes: Boxes) -> Boxes:
        return frozenset((group, field) for group, field in boxes if group in group_ids and field in field_ids)

    return Adjustment(among_shown(now - had), among_shown(had - now))


def _boxes(name: str) -> Boxes:
    found = set()
    for text in request.form.getlist(name):
        group, _hyphen, field = text.partition("-")
        group_id, field_id = as_id(group), as_id(field)
        if group_id is None or field_id is None:
            raise BadRequest
        found.add((group_id, field_id))
    return frozenset(found)
