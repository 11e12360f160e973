"""Deprecated: import from infrastructure.naming.mlflow.config."""
from infrastructure.naming.mlflow import config as _config

load_mlflow_config = _config.load_mlflow_config
naming_settings = _config.naming_settings
