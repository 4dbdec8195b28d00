"""What Radicale loads: its storage, auth and rights plugins, and an address book as its own methods see it."""
