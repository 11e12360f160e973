"""Settings of MLflow, from config/mlflow.json."""
import os

from common.json_store import read_json
from common.paths import config_file, project_root


def load_mlflow_config():
    """Return the settings. RUN_STATE in the environment wins for the state folder."""
    settings = dict(read_json(config_file("mlflow.json"), {}))
    settings["state"] = os.environ.get("RUN_STATE") or str(project_root() / settings["state"])
    return settings


def naming_settings():
    """Return the part of the settings that is about names."""
    return load_mlflow_config()["naming"]
