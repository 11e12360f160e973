"""Deprecated: import from infrastructure.naming.mlflow.config."""
from infrastructure.naming.mlflow.config import load_mlflow_config, naming_settings  # noqa: F401
