"""Deprecated: import from infrastructure.tracking.mlflow.trackers."""
import infrastructure.tracking.mlflow.trackers.training_tracker as _tracker

TrainingTracker = _tracker.TrainingTracker
