"""Deprecated: import from infrastructure.tracking.mlflow.trackers."""
from infrastructure.tracking.mlflow.trackers.conversion_tracker import ConversionTracker  # noqa: F401
