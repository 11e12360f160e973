"""Finds runs: in the index first, then by asking."""
from __future__ import annotations

from typing import TYPE_CHECKING

from orchestration.jobs.tracking.index.run_index import find_in_mlflow_index, get_mlflow_index_path
from common.json_store import read_json

if TYPE_CHECKING:
    from orchestration.jobs.tracking.index.run_index import IndexEntry


def find_mlflow_run(run_id: str) -> IndexEntry | None:
    """Return the entry of a run, None if nobody knows it."""
    return find_in_mlflow_index(run_id)


def find_runs_of_kind(kind: str) -> list[str]:
    """Return the ids of all runs of this kind, sorted."""
    index = read_json(get_mlflow_index_path(), {})
    return sorted(run_id for run_id, data in index.items() if data.get("kind") == kind)
