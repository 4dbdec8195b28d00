"""
Everything that somebody has here, to be taken along: read from all rooms below, in files that others can read.

It must never hold more of other people than their cards as the person's own devices have them.
"""
