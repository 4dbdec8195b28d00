"""
How people come in, and leave for good: passwords, devices, sessions, signing up, lists of people, reset, deletion.

It may import `sync.accounts` and what is below. It must never decide who is connected to whom, nor hold a password or a
token that could be used: what is stored is a hash.
"""
