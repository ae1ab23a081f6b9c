"""Drawn pictures that nobody has, to train and test with: other kinds, compound figures, prints; how to count hits."""
