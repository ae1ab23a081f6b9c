"""Burnt-in marks: found by a small network and by rules, and painted over."""
