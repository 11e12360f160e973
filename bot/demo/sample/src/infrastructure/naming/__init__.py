"""Names of things."""
