"""Chooses a tracker."""
from .conversion_tracker import ConversionTracker
from .training_tracker import TrainingTracker

KINDS = {tracker.kind: tracker for tracker in (ConversionTracker, TrainingTracker)}


def start_tracker(kind, name):
    """Return a tracker for a run of this kind."""
    return KINDS[kind](name)


def tracker_kinds():
    """Return the kinds that have a tracker."""
    return sorted(KINDS)
