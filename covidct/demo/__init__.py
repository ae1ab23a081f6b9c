"""Plays a user: a synthetic corpus, a loopback preprint server, the whole chain."""
