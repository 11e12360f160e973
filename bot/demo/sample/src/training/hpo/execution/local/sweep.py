"""A sweep on this machine."""
from orchestration.jobs.hpo.local import backup_hpo_study_to_drive
from orchestration.jobs.hpo.local.backup import create_incremental_backup_callback
from orchestration.jobs.hpo.local.study import manager as studies
from orchestration.jobs.tracking.index import find_in_mlflow_index, update_mlflow_index


def run_local_sweep(name, space, folder, drive):
    """Run a study, back it up, record it and return its best trial."""
    best = studies.run_study(name, space, folder, drive)
    backup_hpo_study_to_drive(folder, drive)
    update_mlflow_index(name, {"kind": "sweep", "score": best["score"]})
    return best


def backup_trial(number, path, drive):
    """Back up every second trial."""
    return create_incremental_backup_callback(drive, every=2)(number, path)


def resume(name):
    """Return what is known of a sweep, from the index or from the server."""
    from orchestration.jobs.tracking.mlflow_run_finder import find_mlflow_run

    return find_in_mlflow_index(name) or find_mlflow_run(f"sweep/{name}")
