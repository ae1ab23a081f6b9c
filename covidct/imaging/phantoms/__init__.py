"""Drawn pictures that nobody has: slices, other kinds, compound figures, prints; to train, to test, to show."""
