"""Compound figures: where to cut them, which pieces are pictures, which letter each carries."""
