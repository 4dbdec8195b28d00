"""What strangers see, said to whoever makes something visible to them."""

from __future__ import annotations

from collections.abc import Iterable

from radicale_plugin.web.audiences import audiences
from radicale_plugin.web.field_display import shown
from radicale_plugin.web.language import gettext as _
from radicale_plugin.web.page import say_open
from radicale_plugin.web.signed_in import current_person, database
from sync.sharing import groups
from sync.sharing.cards import content_of
from sync.sharing.visibility import STRANGER, fields_of, grants_of


def say_what_they_see(given: Iterable[int]) -> None:
    """Say on the next page what strangers see, where one of the groups that something was *given* is theirs."""
    owner_id, given = current_person().account_id, frozenset(given)
    if not given:
        return
    with database().reading() as session:
        every = audiences(groups.groups_of(session, owner_id))
        if not any(group.is_everybody and group.id in given for group in every):
            return
        visible = grants_of(session, owner_id).visible(STRANGER)
        seen = [shown(content_of(field)).title for field in fields_of(session, owner_id) if field.id in visible]
    if seen:
        what = _(", ").join(dict.fromkeys(seen))
        say_open(_("Strangers see now: %(what)s. Anybody who finds you can read it.", what=what))
