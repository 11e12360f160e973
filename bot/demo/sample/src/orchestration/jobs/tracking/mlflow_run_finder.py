"""Deprecated: import from infrastructure.tracking.mlflow.finder."""
from infrastructure.tracking.mlflow.finder import find_mlflow_run, find_runs_of_kind

__all__ = ["find_mlflow_run", "find_runs_of_kind"]
