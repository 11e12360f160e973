"""Index of runs, so that they are found without asking the server."""

from .run_index import (
    IndexEntry,
    find_in_mlflow_index,
    get_mlflow_index_path,
    remove_from_mlflow_index,
    update_mlflow_index,
)
from .version_counter import (
    cleanup_stale_reservations,
    commit_run_name_version,
    get_run_name_counter_path,
    reserve_run_name_version,
)
from .file_locking import (
    acquire_lock,
    release_lock,
)


# Imports of the package

from .run_index import (
    IndexEntry,
    find_in_mlflow_index,
    get_mlflow_index_path,
    remove_from_mlflow_index,
    update_mlflow_index,
)
from .version_counter import (
    cleanup_stale_reservations,
    commit_run_name_version,
    get_run_name_counter_path,
    reserve_run_name_version,
)
from .file_locking import (
    acquire_lock,
    release_lock,
)

__all__ = [
    "IndexEntry",
    "acquire_lock",
    "cleanup_stale_reservations",
    "commit_run_name_version",
    "find_in_mlflow_index",
    "get_mlflow_index_path",
    "get_run_name_counter_path",
    "release_lock",
    "remove_from_mlflow_index",
    "reserve_run_name_version",
    "update_mlflow_index",
]
