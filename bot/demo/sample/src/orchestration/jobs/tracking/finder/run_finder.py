"""Deprecated: import from infrastructure.tracking.mlflow.finder."""
from infrastructure.tracking.mlflow.finder import find_mlflow_run

__all__ = ["find_mlflow_run"]
