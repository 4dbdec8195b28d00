"""Overlays as they are stored: what each viewer added to the entry of a connection."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Sequence

from sqlalchemy import delete, insert, select
from sqlalchemy.orm import Session

from sync import fields
from sync.books import versions
from sync.database.engine import settings_of
from sync.database.models import Entry, Overlay
from sync.errors import LimitExceeded
from sync.fields import FieldContent
from sync.merging import matching, merge, programs
from sync.sharing import disclosure
from sync.vcard import VCard, parse_one


def applied(text: str, overlay: Sequence[FieldContent], version: str) -> str:
    """Return a served card, *text* in vCard *version*, with what the viewer added, but without its first lines."""
    merged = merge.merge(fields.fields_of(parse_one(text)), overlay)
    # The owner's card has nothing remote in it; what a viewer put there themselves is theirs to fetch.
    return fields.render(merged, version, fallback_name="", remote_media=True)


def edit(session: Session, entry: Entry, served: str, card: VCard) -> str | None:
    """
    Make the overlay of a connection's *entry* what a client's *card* adds to *served*, the owner's card as it is now.

    What a client may not keep (see `sync.merging.matching`), and what it did not see because the owner says the same,
    is not lost by not being sent back, nor is the viewer's photo by another that is none. Returns the overlay's hash,
    None when nothing is added.
    """
    base = fields.fields_of(parse_one(served))
    shown = disclosure.shown_to(session, entry.id, entry.viewer_id)
    sent, broken = fields.readable_fields(card)
    before = of(session, entry.viewer_id, [entry.id]).get(entry.id, [])
    added = merge.additions(sent, shown, base, before)
    seen = merge.visible(base, before)
    unseen = [content for content in before if content not in seen]
    added, matches = matching.edited(seen, added, sent)
    gone = matching.deleted_by_client(seen, matches, sent, programs.kept_by_writer(card))
    if broken:
        gone = [index for index in gone if seen[index].kind != "photo"]
    kept = [seen[index] for index in matching.unmatched(len(seen), matches) if index not in gone]
    return store(session, entry, [*added, *kept, *unseen])


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
    if before not in (None, content):
        versions.keep(session, entry, before.encode())
    if not overlay:
        return None
    digest = digest_of(content)
    session.execute(insert(Overlay).values(**key, content=content, digest=digest))
    return digest
