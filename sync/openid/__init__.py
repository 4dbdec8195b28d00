"""
Signing in with an organisation's provider (OpenID Connect), and looking there for who is gone.

It must never take anybody for somebody without a signature of the provider's that it has checked, nor keep a token that
it could not do without.
"""
