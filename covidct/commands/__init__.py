"""What the user types, one module a command. Heavy imports stand inside the functions."""
