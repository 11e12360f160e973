"""Deprecated: import from the index itself."""
from .index.run_index import find_in_mlflow_index, get_mlflow_index_path, update_mlflow_index
from .index.version_counter import commit_run_name_version, reserve_run_name_version

__all__ = [
    "commit_run_name_version",
    "find_in_mlflow_index",
    "get_mlflow_index_path",
    "reserve_run_name_version",
    "update_mlflow_index",
]
