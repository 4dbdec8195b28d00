"""`evercard demo`: a handful of people to try Evercard with."""
