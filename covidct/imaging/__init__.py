"""Hashes, correlation, panels, overlays, lung region. Pixels in, values out; no files, no database."""
