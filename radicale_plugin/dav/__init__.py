"""WebDAV and CardDAV as Evercard speaks them, one module for each part of the standards."""
