"""Deprecated: import from infrastructure.tracking.mlflow.trackers."""
import warnings

from infrastructure.tracking.mlflow.trackers import factory as _factory
from infrastructure.tracking.mlflow.trackers.base import Tracker  # noqa: F401


def start_tracker(kind, name):
    """Deprecated: use infrastructure.tracking.mlflow.trackers.factory."""
    warnings.warn("use infrastructure.tracking.mlflow.trackers", DeprecationWarning, stacklevel=2)
    return _factory.start_tracker(kind, name)


def tracker_kinds():
    """Deprecated: use infrastructure.tracking.mlflow.trackers.factory."""
    warnings.warn("use infrastructure.tracking.mlflow.trackers", DeprecationWarning, stacklevel=2)
    return _factory.tracker_kinds()
