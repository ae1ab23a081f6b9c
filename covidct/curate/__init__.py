"""Triage, panel splitting, labels, masks, patients and duplicates on a workspace."""
