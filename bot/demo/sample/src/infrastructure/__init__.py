"""Infrastructure: names, tracking, and what talks to services."""
