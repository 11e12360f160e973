"""
@meta
name: mlflow_run_index
type: utility
domain: orchestration
responsibility:
  - Remember runs by their id
tags:
  - orchestration
  - tracking
  - mlflow
lifecycle:
  status: active
"""
from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from common.json_store import read_json, write_json
from infrastructure.naming.mlflow.config import load_mlflow_config
from orchestration.jobs.tracking.index.file_locking import acquire_lock, release_lock


@dataclass
class IndexEntry:
    """A run in the index."""

    run_id: str
    data: dict[str, Any] = field(default_factory=dict)


def get_mlflow_index_path() -> Path:
    """Return the file that holds the index."""
    return Path(load_mlflow_config()["state"]) / "index.json"


def _change(change) -> None:
    path = get_mlflow_index_path()
    lock = acquire_lock(path)
    try:
        index = read_json(path, {})
        change(index)
        write_json(path, index)
    finally:
        release_lock(lock)


def update_mlflow_index(run_id: str, data: dict[str, Any]) -> IndexEntry:
    """Remember data for a run."""
    _change(lambda index: index.__setitem__(run_id, data))
    return IndexEntry(run_id, data)


def remove_from_mlflow_index(run_id: str) -> None:
    """Forget a run."""
    _change(lambda index: index.pop(run_id, None))


def find_in_mlflow_index(run_id: str) -> IndexEntry | None:
    """Return the entry of a run, None if there is none."""
    index = read_json(get_mlflow_index_path(), {})
    return IndexEntry(run_id, index[run_id]) if run_id in index else None
