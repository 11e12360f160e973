"""Deprecated: import from infrastructure.tracking.mlflow.artifacts."""
from .manager import load_artifact, save_artifact

__all__ = ["load_artifact", "save_artifact"]
