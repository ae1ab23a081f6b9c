"""Versioned manifests: reading and validating (``read``), building (``build``)."""
