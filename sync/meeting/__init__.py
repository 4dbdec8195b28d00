"""
How people get connected, and part.

Nobody is connected without the consent of both: who asks gives theirs by asking, and the other by letting anyone, by a
right answer to their question, or by confirming.

It may import `sync.discovery` and what is below. It must never tell anybody of a block or a refusal.
"""

from __future__ import annotations

from sync.meeting.blocks import block, blocked, unblock
from sync.meeting.direct import answer, connect_directly
from sync.meeting.disconnecting import disconnect
from sync.meeting.request_lists import DECISIONS, Asked, decide_by_letter, open_letter, refused, requests_of
from sync.meeting.requests import allow_again, ask, confirm, decline, refuse, withdraw

__all__ = [
    "DECISIONS",
    "Asked",
    "allow_again",
    "answer",
    "ask",
    "block",
    "blocked",
    "confirm",
    "connect_directly",
    "decide_by_letter",
    "decline",
    "disconnect",
    "open_letter",
    "refuse",
    "refused",
    "requests_of",
    "unblock",
    "withdraw",
]
