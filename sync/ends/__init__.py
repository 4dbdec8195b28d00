"""
What was given until a certain time: a grant, all that a group sees, an exception, a connection, a card link.

Theory of operation
-------------------
An end is a row beside what ends (`Ending`), and it goes with that; a card link has its end in its own row. Time only
takes: no end ever shows anybody more, so what is withheld from somebody has none.

An end is carried out like every other change of what somebody shows, by `sync.sharing`, in one transaction: cards are
written anew, revisions rise, devices are told, and what was taken back stays so, whatever becomes of any clock. The
worker does it on the minute (`carrying.work`). Where no worker runs or it is late, whoever reads does it first: every
request, of a device, a browser or a calendar, asks `watch.Watch` before it reads, and what concerns the person who asks
is carried out before they are answered. Where that fails, they are not answered. Whoever reads about people at large
meets `EndsDue` (`sync.sharing.visibility`), has it carried out, and reads again. Where the tables are spread over
machines everybody who reads a card does, and what cannot be carried out withholds that card alone.

A poll pays nothing for it. When the next end of anybody's comes is one small number (`NextEnd`), which a process
remembers for `watch.FRESH` seconds. It may, because an end is never set for sooner than `LEAD` seconds; a clock that
was put forward or back is noticed, and ends the remembering.
"""

from __future__ import annotations

#: Seconds that an end is ahead at least when it is set: more than any process goes without looking.
LEAD = 60
