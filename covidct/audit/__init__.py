"""What is wrong with a release, before anyone trains on it."""
