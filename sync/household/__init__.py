"""
Households: a field of one person that others have on their own cards, such as the landline and the address of a family.

Theory of operation
-------------------
A person offers a field of theirs to somebody whom they are connected to, who sees by that what it says. Who agrees
carries it: they have a field of their own, new or one that they had, which says the same and follows every change.
Who sees it on their card, only the carrier decides; a new field is seen by nobody. No card changes but by the will of
its owner: before the carrier agrees nothing does, and afterwards what follows is what they agreed to.

Both sides have a row, each among its own (`SharedField`, `CarriedField`), which are changed together under the locks
of both, in the order of their ids. What one person does alone, by any door, is noted in the transaction of their
change (`sync.revisions.shared_fields`): whose cards are to follow, or that they carry a field no more because they made
something else of it. It leaves a job, and the worker brings both sides together (`following.work`): pair by pair, each
in a transaction of its own, in which the carrier's holders are told as of any change of a card. So nobody waits for
the change of somebody else, a change takes the same statements however many carry the field, and whatever dies on the
way, the next worker finds the same rows.

However it ends, the carrier keeps the field as it is, for themselves: they left or made something else of it, the
owner took it back or deleted it, or the two parted. Both see that it ended.
"""
