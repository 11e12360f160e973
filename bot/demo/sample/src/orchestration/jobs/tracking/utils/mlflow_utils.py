"""Deprecated: import from infrastructure.tracking.mlflow.utils."""
from infrastructure.tracking.mlflow.utils import run_url, short_id

__all__ = ["run_url", "short_id"]
