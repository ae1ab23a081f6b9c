"""A polite HTTP client: rate limits, back-off, bounded bodies, confined redirects, resumable downloads."""
