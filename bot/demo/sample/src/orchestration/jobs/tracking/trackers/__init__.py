"""Deprecated: import from infrastructure.tracking.mlflow.trackers."""
from .conversion_tracker import ConversionTracker
from .training_tracker import TrainingTracker

__all__ = ["ConversionTracker", "TrainingTracker"]
