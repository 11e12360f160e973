"""Runs benchmarks."""
from orchestration.jobs.hpo.local import backup
from orchestration.jobs.tracking.artifact_manager import load_artifact, save_artifact
from orchestration.jobs.tracking.mlflow_tracker import start_tracker, tracker_kinds
from orchestration.jobs.tracking.utils.mlflow_utils import short_id


def run_benchmark(run_id, seconds, drive=None):
    """Keep the result of a benchmark, back it up and return its summary."""
    path = save_artifact(run_id, "benchmark", {"seconds": seconds})
    copy = backup.immediate_backup_if_needed(path, drive)
    start_tracker("training", run_id).record(seconds=seconds)
    return {"run": short_id(run_id), "seconds": load_artifact(run_id, "benchmark")["seconds"], "backup": copy}


def remember(run_id, **data):
    """Record a benchmark if there is a tracker for it."""
    from orchestration.jobs.tracking.index import update_mlflow_index

    return update_mlflow_index(run_id, {"kind": "benchmark", "kinds": tracker_kinds(), **data})
