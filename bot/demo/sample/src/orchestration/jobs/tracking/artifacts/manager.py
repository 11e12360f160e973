"""Deprecated: import from infrastructure.tracking.mlflow.artifacts."""
from infrastructure.tracking.mlflow.artifacts import load_artifact, save_artifact

__all__ = ["load_artifact", "save_artifact"]
