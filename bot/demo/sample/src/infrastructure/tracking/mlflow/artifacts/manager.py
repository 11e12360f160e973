"""Keeps files of runs in the state folder."""
from pathlib import Path

from common.json_store import read_json, write_json
from infrastructure.naming.mlflow.config import load_mlflow_config


def _path(run_id, name):
    return Path(load_mlflow_config()["state"]) / "artifacts" / run_id / f"{name}.json"


def save_artifact(run_id, name, value):
    """Keep value as an artifact and return its path."""
    write_json(_path(run_id, name), value)
    return _path(run_id, name)


def load_artifact(run_id, name):
    """Return an artifact, None if there is none."""
    return read_json(_path(run_id, name))
