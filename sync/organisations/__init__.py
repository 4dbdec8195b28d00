"""
Organisations: a household, a club, a company, whose members have each other's cards without being connected.

`organisations` makes and deletes them, `members` invites, joins and leaves, `pair_entries` keeps what one person
decided about one other: that counts before any roster. What a roster is, `sync.revisions.rosters` says; how it becomes
entries of an address book, `sync.books.roster_entries`.
"""
