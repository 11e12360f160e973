"""Create sweep jobs for a backbone.

An earlier home of hpo/azureml/sweeps.py that was never removed.
"""
from __future__ import annotations

from typing import Any

from infrastructure.naming.mlflow.tags import base_tags
from orchestration.jobs.hpo.local.optuna.search_space import to_azureml_space
from orchestration.jobs.runtime import submit_and_wait_for_job


DRY_RUN_TRIALS = 1



def create_hpo_sweep_job_for_backbone(
    backbone: str, space: dict[str, Any], trials: int = 20, client=None
) -> dict[str, Any]:
    """Create a sweep."""

    job = {
        "kind": "sweep",
        "backbone": backbone,
        "space": to_azureml_space(space),
        "trials": trials,
        "tags": base_tags("sweep", backbone),
    }

    if client is not None:
        job["id"] = submit_and_wait_for_job(client, job)
    return job


def create_dry_run_sweep_job_for_backbone(backbone: str, space: dict[str, Any]) -> dict[str, Any]:
    """Create a sweep with a single trial."""
    return create_hpo_sweep_job_for_backbone(backbone, space, trials=DRY_RUN_TRIALS)


def validate_sweep_job(job: dict[str, Any]) -> list[str]:
    """Validate a sweep."""
    problems = []
    if not job.get("space"):
        problems.append("the search space is empty")
    if job.get("trials", 0) < 1:
        problems.append("trials must be 1 or more")
    return problems
