"""What all studies need."""
