"""Sets tracking up for a study."""
import orchestration.jobs.tracking.index.version_counter as counter
from orchestration.jobs.tracking import mlflow_index as runs
from orchestration.jobs.tracking.config import naming_settings
from orchestration.jobs.tracking.config.loader import load_mlflow_config


def setup_study(name):
    """Start a study and return its run name."""
    stem = naming_settings()["separator"].join(("study", name))
    version = counter.reserve_run_name_version(stem)
    run = f"{stem}-v{version}"
    runs.update_mlflow_index(run, {"kind": "study", "experiment": load_mlflow_config()["experiment"]})
    return run


def finish_study(run):
    """Make the version of a study last and return whether it was reserved."""
    stem, _, version = run.rpartition("-v")
    return counter.commit_run_name_version(stem, int(version))
