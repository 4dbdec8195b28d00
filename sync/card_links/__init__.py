"""
Card links: the card of one of a person's groups, for people who have no account.

Theory of operation
-------------------
A link shows what its group sees, and what strangers do: it has an audience of its own (`sync.sharing.link_audiences`),
which nobody is a member of, to which no exception applies, and which counts as connected to nobody. The card of that
audience is rendered and kept like every other, in the transaction of each change, so whatever shows a link reads what
is stored and decides nothing: the page, the vCard and the address book in which the card can be followed.

What opens a link follows from its ids and the server's key, so nothing of it is stored and it can be shown again; what
it may do is decided by its row at every request. When the row is gone, because its owner ended it, its day came
(`sync.ends`), or its group or account was deleted, every door answers as if it had never been.

Of those who open it nothing is kept but how many times that was, and the last day.
"""
