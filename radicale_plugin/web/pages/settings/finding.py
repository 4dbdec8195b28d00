"""By what somebody is found, and who may connect to them."""

from __future__ import annotations

from flask import Response, request
from wtforms import BooleanField, RadioField, StringField
from wtforms.validators import Length

from radicale_plugin.web.forms import SelectField, StoredForm, choice
from radicale_plugin.web.ids import as_id
from radicale_plugin.web.language import gettext as _
from radicale_plugin.web.language import lazy
from radicale_plugin.web.page import go, page, say
from radicale_plugin.web.pages.settings.area import blueprint
from radicale_plugin.web.signed_in import current_person, database
from sync.accounts import addresses, preference_changes
from sync.accounts.preference_changes import ANSWER_LENGTH, QUESTION_LENGTH
from sync.database.engine import Session
from sync.errors import InvalidInput, NotFound
from sync.sharing import groups
from sync.sharing.preferences import ANYONE, CONFIRM, NOBODY, QUESTION, Preferences, preferences_of
from sync.sharing.visibility import GROUP


class FoundForm(StoredForm):
    """By what a person is found."""

    found_by_login = BooleanField(lazy("By my login"))
    found_by_email = BooleanField(
        lazy("By my e-mail address"),
        description=lazy("Only by the whole address, and only where you confirmed that it is yours."),
    )
    found_by_phone = BooleanField(
        lazy("By my phone number"),
        description=lazy("Only by the whole number, and only where you confirmed that it is yours."),
    )
    found_by_name = BooleanField(
        lazy("By my name"),
        description=lazy("Only while strangers may see your name. Chinese names are also found by their pinyin."),
    )


class ConnectingForm(StoredForm):
    """Who may connect, and what becomes of them."""

    connecting = RadioField(
        lazy("Who may connect to me"),
        choices=[
            choice(ANYONE, lazy("Anyone, at once")),
            choice(QUESTION, lazy("Whoever answers my question, at once; the others may ask")),
            choice(CONFIRM, lazy("Only whom I confirm")),
            choice(NOBODY, lazy("Nobody; nobody finds me or may ask")),
        ],
    )
    question = StringField(
        lazy("My question"),
        [Length(max=QUESTION_LENGTH)],
        description=lazy("One whose answer your friends know, and which nobody can look up."),
    )
    answer = StringField(
        lazy("Its answer"),
        [Length(max=ANSWER_LENGTH)],
        description=lazy(
            "It is never shown again; leave it empty to keep the one that you gave. Case and spaces do not matter."
        ),
    )
    newcomers = SelectField(
        lazy("Group for new connections"),
        description=lazy(
            "Whoever gets connected to you lands in it and sees what it sees; without one, what all connections see."
        ),
        validate_choice=False,
    )
    told_of_requests = BooleanField(lazy("Tell me by e-mail or text message when somebody asks to be connected"))
    requests_by_sms = BooleanField(
        lazy("By text message rather than e-mail"),
        description=lazy("To the number that you confirmed. A few a day at most; the others come by e-mail."),
    )


@blueprint.get("/finding")
def finding() -> Response:
    """Show both forms."""
    return _show(None, None, 200)


@blueprint.post("/finding/found")
def set_found() -> Response:
    """Decide by what one is found."""
    me = current_person().account_id
    form = FoundForm()
    if not form.accepted():
        return _show(form, None, 400)

    chosen = form.changed()

    def change(session: Session) -> None:
        # Who has a number has answered by this what they would be asked.
        decided = {"phone_decided": True} if preference_changes.is_asked_about_number(session, me) else {}
        preference_changes.change_preferences(session, me, **chosen, **decided)

    database().write(change)
    say(_("Saved. It holds from now on."))
    return go("settings.finding")


@blueprint.post("/finding/number")
def decide_about_number() -> Response:
    """Answer whether others find one by one's number."""
    me, found = current_person().account_id, request.form.get("found") == "yes"
    database().write(lambda session: preference_changes.decide_about_number(session, me, found=found))
    say(_("Saved. It holds from now on."))
    return go("settings.own_addresses")


@blueprint.post("/finding/connecting")
def set_connecting() -> Response:
    """Decide who may connect."""
    me = current_person().account_id
    form = ConnectingForm()
    if not form.accepted():
        return _show(None, form, 400)
    question, answer = (form.question.data or "").strip(), form.answer.data or ""
    wanted = form.changed()
    asks = bool(answer or (question and "question" in wanted))
    if "newcomers" in wanted:
        # What is no id is nobody's group.
        wanted["newcomers_group_id"] = as_id(form.newcomers.data) or 0 if form.newcomers.data else None
    told = ("connecting", "newcomers_group_id", "told_of_requests", *(["requests_by_sms"] if _sends_texts() else []))
    wanted = {name: wanted[name] for name in told if name in wanted}

    def change(session: Session) -> None:
        if asks:
            preference_changes.set_question(session, me, question, answer)
        preference_changes.change_preferences(session, me, **wanted)

    try:
        database().write(change)
    except InvalidInput as error:
        form.refuse("question" if not question else "answer", error)
        return _show(None, form, 400)
    except NotFound as error:
        form.refuse("newcomers", error)
        return _show(None, form, 400)
    say(_("Saved. It holds from now on."))
    return go("settings.finding")


def _show(found: FoundForm | None, connecting: ConnectingForm | None, status: int) -> Response:
    me = current_person().account_id
    with database().reading() as session:
        decided = preferences_of(session, me)
        own = [group for group in groups.groups_of(session, me) if group.kind == GROUP]
        proved = addresses.addresses_of(session, me)
    values = {name: getattr(decided, name) for name in Preferences.__slots__}
    values.update(newcomers=str(decided.newcomers_group_id or ""), answer="", question=decided.question or "")
    found = found or FoundForm.opened(**values)
    connecting = connecting or ConnectingForm.opened(**values)
    nothing = choice("", _("No group"))
    connecting.newcomers.choices = [nothing, *(choice(str(group.id), group.name) for group in own)]
    told = {"proved": proved, "sends_texts": _sends_texts()}
    return page("settings/finding.html", status, found=found, connecting=connecting, **told)


def _sends_texts() -> bool:
    return database().settings.sending.can_send(addresses.SMS)
