"""Submits jobs: the way in for notebooks and other domains."""
from orchestration.jobs import (
    JobFailed,
    submit_and_wait_for_job,
    update_mlflow_index,
)
from orchestration.jobs.hpo.azureml import create_hpo_sweep_job_for_backbone
from orchestration.jobs.training import create_final_training_job


def submit_training(config, client):
    """Submit the final training and return its id, None if it fails."""
    try:
        job_id = submit_and_wait_for_job(client, create_final_training_job(config))
    except JobFailed:
        return None
    update_mlflow_index(job_id, {"kind": "training", "config": config})
    return job_id


def submit_sweep(backbone, space, client):
    """Submit a sweep and return its id."""
    return create_hpo_sweep_job_for_backbone(backbone, space, client=client)["id"]
