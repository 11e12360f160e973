"""Runs a study."""
from training.hpo.core.optuna_integration import save_study

from orchestration.jobs.hpo.local.backup import create_study_db_backup_callback

from ..cv import run_folds


def run_study(name, space, folder, drive, folds=3):
    """Run a study, save and back it up, and return its best trial."""
    from orchestration.jobs.tracking.mlflow_naming import build_run_name

    results = run_folds(folds, space, folder)
    best = max(results, key=lambda result: result["score"])
    save_study(folder, {"name": build_run_name("study", name), "best": best["values"]})
    backed_up = create_study_db_backup_callback(folder, drive)()
    return {**best, "study": str(backed_up)}
