"""Groups: what they are called, who is in them, and which of them new connections land in."""

from __future__ import annotations

from flask import Blueprint, Response, request
from wtforms import StringField
from wtforms.validators import InputRequired, Length

from radicale_plugin.web import people
from radicale_plugin.web.audiences import audiences
from radicale_plugin.web.forms import Form
from radicale_plugin.web.ids import as_id, posted_ids
from radicale_plugin.web.language import gettext as _
from radicale_plugin.web.language import lazy, ngettext
from radicale_plugin.web.page import attempt, go, page, say
from radicale_plugin.web.signed_in import current_person, database
from sync.accounts import preference_changes
from sync.books import held_cards
from sync.database.engine import Session
from sync.ends import setting
from sync.ends.targets import Target
from sync.errors import AlreadyExists, InvalidInput, NotFound
from sync.queries import connected_people
from sync.queries.connected_people import Wanted
from sync.queries.paging import Place
from sync.sharing import grants, groups
from sync.sharing.groups import NAME_LENGTH, GroupSummary
from sync.sharing.preferences import preferences_of
from sync.sharing.visibility import grants_of
from sync.sorting import names

blueprint = Blueprint("groups", __name__, url_prefix="/groups")


class NameForm(Form):
    """What a group is called."""

    name = StringField(lazy("Name of the group"), [InputRequired(), Length(max=NAME_LENGTH)])


@blueprint.get("/")
def index() -> Response:
    """Show all groups."""
    return _list(NameForm(), 200)


@blueprint.post("/")
def create() -> Response:
    """Make a group and go on to putting people into it."""
    me = current_person().account_id
    form = NameForm()
    if not form.accepted():
        return _list(form, 400)
    try:
        group_id = database().write(lambda session: groups.create(session, me, form.name.data or ""))
    except (AlreadyExists, InvalidInput) as error:
        form.refuse("name", error)
        return _list(form, 409 if isinstance(error, AlreadyExists) else 400)
    say(_("The group is made. Its members see nothing more of you until you show the group something."))
    return go("groups.one", group_id=group_id)


@blueprint.post("/newcomers")
def newcomers() -> Response:
    """Choose where new connections land."""
    me = current_person().account_id
    chosen = request.form.get("group", "")
    group_id = as_id(chosen)
    if chosen and group_id is None:
        raise NotFound("There is no such group.")
    if attempt(lambda: database().write(lambda session: preference_changes.set_newcomers_group(session, me, group_id))):
        say(_("That is where new connections land from now on. Who is connected already stays where they are."))
    return go("groups.index")


@blueprint.get("/<int:group_id>")
def one(group_id: int) -> Response:
    """Show a group and who is in it."""
    with database().reading() as session:
        group = _group(session, group_id)
    return _members(group, NameForm(name=group.name), 200)


@blueprint.post("/<int:group_id>/rename")
def rename(group_id: int) -> Response:
    """Give a group another name."""
    me = current_person().account_id
    with database().reading() as session:
        group = _group(session, group_id)
    form = NameForm()
    if not form.accepted():
        return _members(group, form, 400)
    try:
        database().write(lambda session: groups.rename(session, me, group_id, form.name.data or ""))
    except (AlreadyExists, InvalidInput) as error:
        form.refuse("name", error)
        return _members(group, form, 409 if isinstance(error, AlreadyExists) else 400)
    say(_("The group is renamed. Nobody but you ever sees its name."))
    return go("groups.one", group_id=group_id)


@blueprint.route("/<int:group_id>/delete", methods=["GET", "POST"])
def delete(group_id: int) -> Response:
    """Say what deleting a group means, and do it."""
    me = current_person().account_id
    if request.method == "POST":
        if attempt(lambda: database().write(lambda session: groups.remove(session, me, group_id))):
            say(_("The group is deleted. Everybody who was in it is still connected to you."))
        return go("groups.index")
    with database().reading() as session:
        group = _group(session, group_id)
        fields = len(grants.granted(session, me, group_id))
        is_for_newcomers = preferences_of(session, me).newcomers_group_id == group_id
    return page("groups/delete.html", group=group, fields=fields, is_for_newcomers=is_for_newcomers)


@blueprint.route("/<int:group_id>/add", methods=["GET", "POST"])
def add(group_id: int) -> Response:
    """Put connections into a group: those that are ticked, whatever else was looked at, or everybody of a list."""
    if request.method == "POST" and not request.form.keys() & {"page", "search"}:
        return _put_in(group_id)
    me, text, everybody = current_person().account_id, people.sought(), "everybody" in request.form
    ticked, number = set(posted_ids("person")), as_id(request.form.get("page", ""))
    place = Place(number) if number else people.place_of_page()
    with database().reading() as session:
        group = _group(session, group_id)
        if "search" in request.form:
            # Whoever was meant by all of one list is still meant when there is another.
            ticked |= _all_found(session, group_id, text) if everybody else set()
            text, place, everybody = people.sought(request.form), Place(), False
        listed = connected_people.page_of(session, me, Wanted(text, outside=group_id), place)
        unseen = ticked - {each.account_id for each in listed.people} - set(groups.members(session, me, group_id))
        elsewhere = connected_people.some(session, me, unseen).values()
    return page(
        "groups/add.html",
        group=group,
        listed=listed,
        text=text,
        everybody=everybody,
        ticked=ticked,
        elsewhere=sorted(elsewhere, key=lambda each: names.sorting_key(each.name)),
    )


def _put_in(group_id: int) -> Response:
    me, text, ticked = current_person().account_id, people.sought(), set(posted_ids("person"))
    count: list[int] = []

    def change(session: Session) -> int:
        _group(session, group_id)
        chosen = _all_found(session, group_id, text) | ticked if "everybody" in request.form else ticked
        groups.add_members(session, me, group_id, sorted(chosen))
        return len(chosen)

    if attempt(lambda: count.append(database().write(change))) and count[-1]:
        say(ngettext("%(num)s person is added.", "%(num)s people are added.", count[-1]))
    return go("groups.one", group_id=group_id)


@blueprint.post("/<int:group_id>/members/<int:account_id>/remove")
def remove_member(group_id: int, account_id: int) -> Response:
    """Take somebody out of a group."""
    me = current_person().account_id
    if attempt(lambda: database().write(lambda session: groups.remove_member(session, me, group_id, account_id))):
        say(_("Taken out of the group. You stay connected."))
    return go("groups.one", group_id=group_id)


def _list(form: NameForm, status: int) -> Response:
    me = current_person().account_id
    with database().reading() as session:
        found = audiences(groups.groups_of(session, me))
        chosen = preferences_of(session, me).newcomers_group_id
        granted = grants_of(session, me)
    shown = {group.id: len(granted.by_group.get(group.id, ())) for group in found}
    return page("groups/index.html", status, form=form, groups=found, newcomers=chosen, shown=shown)


def _members(group: GroupSummary, form: NameForm, status: int) -> Response:
    me, text = current_person().account_id, people.sought()
    with database().reading() as session:
        wanted = Wanted(text, inside=group.id)
        listed = connected_people.page_of(session, me, wanted, people.place_of_page())
        held = held_cards.listed(session, me, [each.account_id for each in listed.people])
        granted = grants_of(session, me)
        end = setting.end_of(session, me, Target(group_id=group.id))
    fields = len(granted.by_group.get(group.id, frozenset()) - granted.connections - granted.strangers)
    return page(
        "groups/one.html",
        status,
        group=group,
        form=form,
        listed=listed,
        text=text,
        held=held,
        fields=fields,
        end=end,
    )


def _group(session: Session, group_id: int) -> GroupSummary:
    for group in people.own_groups(session, current_person().account_id):
        if group.id == group_id:
            return group
    raise NotFound("There is no such group.")


def _all_found(session: Session, group_id: int, text: str) -> set[int]:
    """Return everybody who is looked for and not in a group, on all pages."""
    return set(connected_people.found_among(session, current_person().account_id, Wanted(text, outside=group_id)))
