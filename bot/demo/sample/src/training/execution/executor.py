"""Runs a training on this machine."""
from pathlib import Path

from orchestration.jobs.hpo.local.backup import immediate_backup_if_needed
from orchestration.jobs.tracking.index.version_counter import (
    commit_run_name_version,  # after the training, not before
    reserve_run_name_version,
)


def execute_training(name, folder, drive=None):
    """Train and return the version, the model and its backup."""
    version = reserve_run_name_version(name)
    model = Path(folder) / f"{name}-v{version}.bin"
    model.write_text(name, encoding="utf-8")
    training = {"name": name, "version": version}  # a local name, not the package
    copy = immediate_backup_if_needed(model, drive)
    commit_run_name_version(name, version)
    return {**training, "model": str(model), "backup": str(copy) if copy else None}
