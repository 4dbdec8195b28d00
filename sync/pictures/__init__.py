"""
Pictures, each kept once for its owner however many of their cards and earlier fields show it.

A row that shows one is kept without it, and says in columns of its own which it is and where in the text it belongs. So
nothing that a text says, whoever wrote it, is ever taken for a picture's name, and whoever reads a picture reads it by
a row that they may see. What is cut out is put in again octet for octet, or it is not cut out.

The picture and the rows that name it are written in one transaction under its owner's lock, and it goes in the one in
which the last of them does. Fields themselves keep theirs, so that cards can always be rendered anew.
"""

from __future__ import annotations
