"""
People whom an organisation tells of by pushing them here (SCIM): what it said of each, and what follows from that.

It must never let anybody in who has no token, keep a password that is sent along, or give a person's account to
somebody else who has their name by now.
"""
