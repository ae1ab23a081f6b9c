"""Work in progress: one SQLite file and files stored by content hash."""
