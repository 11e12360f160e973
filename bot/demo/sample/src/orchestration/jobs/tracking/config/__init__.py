"""Deprecated: import from infrastructure.naming.mlflow.config."""
from .loader import load_mlflow_config, naming_settings

__all__ = ["load_mlflow_config", "naming_settings"]
