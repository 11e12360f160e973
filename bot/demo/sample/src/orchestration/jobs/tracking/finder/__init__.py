"""Deprecated: import from infrastructure.tracking.mlflow.finder."""
from orchestration.jobs.tracking.finder.run_finder import find_mlflow_run

__all__ = ["find_mlflow_run"]
