"""
Signing in with the password of an organisation's directory (LDAP), and looking there for who is gone.

It must never bind with an empty password, say anything unencrypted to another machine that the settings do not allow,
or take a directory that cannot be read for one that nobody is in.
"""
