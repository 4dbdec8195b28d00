"""
Messages to people, by e-mail and text message: what they say, the outbox that they wait in, and how they leave.

It may import `sync.database` and what is below. It must never decide whom something is told, nor send anything from
inside a transaction.
"""
