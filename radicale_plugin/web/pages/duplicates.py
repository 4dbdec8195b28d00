"""Own contacts that are there twice: shown side by side, made one by choice, and taken apart again."""

from __future__ import annotations

from flask import Blueprint, Response, request

from radicale_plugin.web import people, pictures
from radicale_plugin.web.language import gettext as _
from radicale_plugin.web.language import ngettext
from radicale_plugin.web.page import attempt, go, page, say
from radicale_plugin.web.pages.contacts import contents_of, read
from radicale_plugin.web.signed_in import current_person, database
from sync.contacts import apart, duplicates, proposing

blueprint = Blueprint("duplicates", __name__, url_prefix="/contacts/twice")

#: Proposals, or merges, on one page.
COUNT = 25


@blueprint.get("/")
def index() -> Response:
    """Propose contacts that may be one person."""
    me = current_person().account_id
    with database().reading() as session:
        part = people.part_of(proposing.proposals(session, me), COUNT)
        merged = len(duplicates.merges_of(session, me))
        kept_apart = len(apart.pairs(session, me))
    return page("contacts/twice.html", part=part, merged=merged, kept_apart=kept_apart)


@blueprint.get("/<int:kept_id>/<int:gone_id>")
def compare(kept_id: int, gone_id: int) -> Response:
    """Show two contacts beside each other, and what they would become."""
    with database().reading() as session:
        found = duplicates.compare(session, current_person().account_id, kept_id, gone_id)
    address = pictures.at("duplicates.picture", kept_id=kept_id, gone_id=gone_id)
    return page(
        "contacts/compare.html",
        kept_id=kept_id,
        gone_id=gone_id,
        one=read(found.one, address),
        other=read(found.other, address),
        merged=read(found.merged, address),
        seen=found.seen,
    )


@blueprint.get("/<int:kept_id>/<int:gone_id>/picture")
def picture(kept_id: int, gone_id: int) -> Response:
    """Answer with a picture of one of two contacts."""
    with database().reading() as session:
        found = duplicates.compare(session, current_person().account_id, kept_id, gone_id)
    either = (contents_of(text) or () for text in (found.one, found.other))
    return pictures.answer(pictures.of_fields(content for contents in either for content in contents))


@blueprint.post("/<int:kept_id>/<int:gone_id>/merge")
def merge(kept_id: int, gone_id: int) -> Response:
    """Make two contacts one."""
    me, seen = current_person().account_id, (request.form.get("seen", ""), request.form.get("other", ""))
    if attempt(lambda: database().write(lambda session: duplicates.merge(session, me, kept_id, gone_id, seen))):
        say(_("They are one contact now. For 30 days you can take them apart again."))
        return go("duplicates.index")
    return go("duplicates.compare", kept_id=kept_id, gone_id=gone_id) if _are_there(kept_id, gone_id) else _back()


@blueprint.post("/<int:kept_id>/<int:gone_id>/apart")
def keep_apart(kept_id: int, gone_id: int) -> Response:
    """Remember that two contacts are two people."""
    me = current_person().account_id
    if attempt(lambda: database().write(lambda session: apart.keep(session, me, kept_id, gone_id))):
        say(_("They stay two. You will not be asked about them again."))
    return _back()


@blueprint.post("/again")
def ask_again() -> Response:
    """Propose everything again that was said not to be one."""
    me = current_person().account_id
    count = database().write(lambda session: apart.forget(session, me))
    say(ngettext("%(num)s pair is proposed again.", "%(num)s pairs are proposed again.", count))
    return _back()


@blueprint.get("/done")
def done() -> Response:
    """Show what was made one and can be taken apart."""
    with database().reading() as session:
        part = people.part_of(duplicates.merges_of(session, current_person().account_id), COUNT)
    return page("contacts/merged.html", part=part)


@blueprint.post("/done/<int:gone_id>/undo")
def undo(gone_id: int) -> Response:
    """Take two contacts apart again."""
    me = current_person().account_id
    if attempt(lambda: database().write(lambda session: duplicates.undo(session, me, gone_id))):
        say(_("They are two contacts again. What you changed since stays."))
    return go("duplicates.done")


def _are_there(*entry_ids: int) -> bool:
    with database().reading() as session:
        return len(duplicates.present(session, current_person().account_id, entry_ids)) == len(entry_ids)


def _back() -> Response:
    return go("duplicates.index")
