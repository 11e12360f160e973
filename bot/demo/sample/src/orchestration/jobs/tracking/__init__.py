"""Tracking of runs in MLflow."""
from .index import find_in_mlflow_index, update_mlflow_index

__all__ = ["find_in_mlflow_index", "update_mlflow_index"]
