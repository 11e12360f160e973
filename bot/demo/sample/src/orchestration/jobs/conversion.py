"""AzureML jobs that convert a checkpoint to ONNX."""
from __future__ import annotations

from typing import Any

from . import runtime as _runtime
from .hpo.local.checkpoint import latest_checkpoint
from .tracking.index import update_mlflow_index

FORMATS = ("onnx", "torchscript")


def get_checkpoint_output_from_training_job(job: dict[str, Any]) -> str:
    """Return the checkpoint that a training job left."""
    output = job.get("outputs", {}).get("checkpoint")
    if not output:
        raise ValueError(f"job {job.get('id', '?')} left no checkpoint")
    return latest_checkpoint(output) or output


def create_conversion_job(training_job: dict[str, Any], target: str = "onnx", client=None) -> dict[str, Any]:
    """Return the job that converts what a training job left."""
    job = {
        "kind": "conversion",
        "checkpoint": get_checkpoint_output_from_training_job(training_job),
        "target": target,
    }
    if client is not None:
        job["id"] = _runtime.submit_and_wait_for_job(client, job)
        update_mlflow_index(job["id"], {"kind": "conversion"})
    return job


def validate_conversion_job(job: dict[str, Any]) -> list[str]:
    """Return what is wrong with a conversion, a line each."""
    if job.get("target") not in FORMATS:
        return [f"target must be one of {', '.join(FORMATS)}"]
    return []
