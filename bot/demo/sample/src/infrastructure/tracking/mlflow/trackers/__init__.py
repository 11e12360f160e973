"""Trackers: one for each kind of run."""
