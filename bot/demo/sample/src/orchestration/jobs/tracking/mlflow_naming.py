"""Deprecated: names live in infrastructure.naming.mlflow now."""
from infrastructure.naming.mlflow.run_keys import build_run_key
from infrastructure.naming.mlflow.run_names import build_run_name, parse_run_name
from infrastructure.naming.mlflow.tags import base_tags, merge_tags

__all__ = ["base_tags", "build_run_key", "build_run_name", "merge_tags", "parse_run_name"]
