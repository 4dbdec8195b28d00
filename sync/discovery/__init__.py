"""
How people are found: the directory, public profiles, and which of somebody's own contacts are here.

It answers only for people who want to be found, and may import `sync.books` and what is below. It must never tell
"there is nobody" from "does not want to be found".
"""
