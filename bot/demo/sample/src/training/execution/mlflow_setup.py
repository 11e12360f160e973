"""Sets MLflow up for a training."""
from orchestration.jobs.tracking.index import update_mlflow_index as record
from orchestration.jobs.tracking.mlflow_config_loader import load_mlflow_config
from orchestration.jobs.tracking.mlflow_naming import base_tags, build_run_key, build_run_name, merge_tags


def setup_mlflow(name, **tags):
    """Start a run and return its name and key."""
    settings = load_mlflow_config()
    run = build_run_name("training", name)
    key = build_run_key(settings["experiment"], run)
    record(run, {"kind": "training", "key": key, "tags": merge_tags(base_tags("training"), tags)})
    return run, key
