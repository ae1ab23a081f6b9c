"""The same scan twice: candidates by hashes of places, decided by correlation after laying one on the other."""
