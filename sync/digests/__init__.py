"""
The digest: an e-mail that tells somebody who chose it, at most once a day, whose cards changed.

It may import `sync.accounts` and what is below. What a digest says is decided when it is sent, and never says a value.
"""
