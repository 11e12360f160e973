"""Removes runs that nobody needs."""
import orchestration.jobs.tracking.index.run_index as run_index
from orchestration.jobs.tracking.index import cleanup_stale_reservations, find_in_mlflow_index


def forget_runs(run_ids):
    """Take runs out of the index and return those that were in it."""
    found = [run_id for run_id in run_ids if find_in_mlflow_index(run_id) is not None]
    for run_id in found:
        run_index.remove_from_mlflow_index(run_id)
    cleanup_stale_reservations()
    return found
