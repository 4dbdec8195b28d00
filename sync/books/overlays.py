"""Overlays as they are stored: what each viewer added to the entry of a connection."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Collection, Sequence

from sqlalchemy import delete, insert, select
from sqlalchemy.orm import Session

from sync import fields
from sync.database.engine import settings_of
from sync.disclosure import records
from sync.errors import LimitExceeded
from sync.fields import FieldContent
from sync.merging import merge, programs, three_way
from sync.merging.three_way import Base, Clash, NotKept
from sync.models import Entry, Overlay
from sync.revisions import versions
from sync.sorting import list_keys
from sync.vcard import VCard, parse_one


def applied(text: str, overlay: Sequence[FieldContent], version: str) -> str:
    """Return a served card, *text* in vCard *version*, with what the viewer added, but without its first lines."""
    merged = merge.merge(fields.fields_of(parse_one(text)), overlay)
    # The owner's card has nothing remote in it; what a viewer put there themselves is theirs to fetch.
    return fields.render(merged, version, fallback_name="", remote_media=True)


def edit(
    session: Session,
    entry: Entry,
    served: str,
    card: VCard,
    had: Sequence[FieldContent] | VCard | NotKept | None = None,
    shown: Sequence[FieldContent] | None = None,
) -> tuple[str | None, list[Clash]]:
    """
    Make the overlay of a connection's *entry* what a client's *card* adds to *served*, the owner's card as it is now.

    What a client may not keep (see `sync.merging.matching`), and what it did not see because the owner says the same,
    is not lost by not being sent back, nor is the viewer's photo by another that is none; neither is what other devices
    made of the overlay since the client *had* it: another overlay, or a card of its own that became another; None where
    it had what is now, `NotKept` where nobody knows. Returns the overlay's hash, None when nothing is added, and what
    others changed as well. *shown* is everything that the person was ever shown of the card, None where that is what
    its owner disclosed.
    """
    base = fields.fields_of(parse_one(served))
    shown = records.shown_to(session, entry.id, entry.viewer_id) if shown is None else shown
    sent, broken = fields.readable_fields(card)
    now = of(session, entry.viewer_id, [entry.id]).get(entry.id, [])
    known = _known(had, now, lambda contents: merge.additions(contents, shown, base, now), sent)
    seen = merge.visible(base, known.contents)
    links = [known.links[index] for index, content in enumerate(known.contents) if content in seen]
    added = merge.additions(sent, shown, base, known.contents)
    had_then = Base(seen, links, staying=("photo",) if broken else ())
    merged = three_way.merge(had_then, added, now, programs.kept_by_writer(card), sent)
    return store(session, entry, merged.listed(now)), merged.clashes


def _known(
    had: Sequence[FieldContent] | VCard | NotKept | None,
    now: Sequence[FieldContent],
    added: Callable[[Sequence[FieldContent]], list[FieldContent]],
    sent: Sequence[FieldContent],
) -> Base:
    if had is None:
        return three_way.unchanged(now)
    if isinstance(had, NotKept):
        return three_way.common(added(sent), now)
    return three_way.linked(added(fields.readable_fields(had)[0]) if isinstance(had, VCard) else had, now)


def of(session: Session, viewer_id: int, entry_ids: Collection[int]) -> dict[int, list[FieldContent]]:
    """Return the overlays of these entries of a viewer, by entry id; those without one are left out."""
    rows = session.execute(
        select(Overlay.entry_id, Overlay.content).where(
            Overlay.viewer_id == viewer_id, Overlay.entry_id.in_(list(entry_ids))
        )
    )
    return {entry_id: load(content) for entry_id, content in rows}


def dump(overlay: Sequence[FieldContent]) -> str:
    """Return the text form of an overlay."""
    return json.dumps([[content.kind, content.dump()] for content in overlay], ensure_ascii=False)


def load(text: str) -> list[FieldContent]:
    """Read what `dump` wrote."""
    return [FieldContent.load(kind, content) for kind, content in json.loads(text)]


def digest_of(content: str) -> str:
    """Return the hash of an overlay's text form."""
    return hashlib.sha256(content.encode()).hexdigest()[:32]


def store(session: Session, entry: Entry, overlay: Sequence[FieldContent]) -> str | None:
    """
    Keep *overlay* for an entry, and return its hash, None when it is empty; the one before can be restored.

    Raises:
        LimitExceeded: It is more than may be added to a card.
    """
    key = {"viewer_id": entry.viewer_id, "entry_id": entry.id}
    content, limit = dump(overlay), settings_of(session).limits.overlay_size
    if len(content) > limit:
        raise LimitExceeded(f"What you add to somebody's card has at most {limit // 1024} kB.")
    before = session.scalars(delete(Overlay).filter_by(**key).returning(Overlay.content)).first()
    if before != content and (before is not None or overlay):
        versions.keep(session, entry, before.encode() if before is not None else versions.NOTHING)
    if not overlay:
        return None
    digest = digest_of(content)
    numbers = list_keys.of_overlay(content)._asdict()
    session.execute(insert(Overlay).values(**key, content=content, digest=digest, **numbers))
    return digest
