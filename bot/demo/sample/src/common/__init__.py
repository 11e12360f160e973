"""Small things that every domain may use. Imports nothing of the others."""
