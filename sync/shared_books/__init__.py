"""
Books that an organisation shares: contacts without accounts, for its members, of whom some write and others read.

It may import `sync.books`, by which everything in such a book is read and written as in any address book, and what
stands below. It must never let anybody see a book who is no member of its organisation now (`access`), nor anybody
but the reader what a reader made of a contact (`layers`).
"""
