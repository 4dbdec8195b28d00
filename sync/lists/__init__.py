"""
Groups as lists: an address book as devices see it that show them, and what these devices make of the lists.

It may import `sync.books`, whose entries it adds the lists to, and which knows nothing of them but the categories of a
card. It must never change who is in a group: that is proposed (`sync.sharing.phone_lists`).
"""
