"""Deprecated: import from infrastructure.tracking.mlflow.artifacts."""
from infrastructure.tracking.mlflow.artifacts import *  # noqa: F401,F403
