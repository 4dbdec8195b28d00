"""
Calendars of the birthdays and other days that stand on the cards of a person's address books.

It reads address books as any of the person's devices does, and keeps the secret addresses of calendars. It must never
read a field or a profile: what is in a calendar is what was granted to its person, at the moment of each fetch.
"""
