"""Runs a refit."""
from typing import TYPE_CHECKING

from orchestration.jobs import submit_and_wait_for_job
from orchestration.jobs.training import build_final_training_config

if TYPE_CHECKING:
    from orchestration.jobs.tracking.index.run_index import IndexEntry


def run_refit(best, client) -> "IndexEntry":
    """Train with the best values and return what is in the index then."""
    from orchestration.jobs.tracking.index import find_in_mlflow_index, update_mlflow_index

    config = build_final_training_config(best, refit=True)
    job_id = submit_and_wait_for_job(client, {"kind": "refit", "config": config})
    update_mlflow_index(job_id, {"kind": "refit", "config": config})
    return find_in_mlflow_index(job_id)
