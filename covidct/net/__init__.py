"""The one door to the network: rate limits, back-off, bounded bodies, confined redirects, resumable downloads."""
