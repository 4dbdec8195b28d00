"""
People and how they prove who they are: passwords, devices, sessions, proved addresses, signing up and in, deletion.

It may import `sync.profiles` and what is below, and `sync.notify` to send what people must confirm. It must never
decide who is connected to whom.
"""
