"""
People as the server knows them: what they are called by, proved addresses, one-time tokens, rate limits, new accounts.

It may import `sync.profiles` and what is below, and `sync.notify` to send what people must confirm. It must never
decide who is connected to whom, nor who is signed in.
"""
