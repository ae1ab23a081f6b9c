"""Networks, their registry and where their weights come from. Knows torch only."""
