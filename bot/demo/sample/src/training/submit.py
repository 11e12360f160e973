"""Submits jobs: the way in for notebooks and other domains."""
from orchestration.jobs import (
    JobFailed,
    create_final_training_job,
    submit_and_wait_for_job,
)
from orchestration.jobs.hpo.azureml import create_hpo_sweep_job_for_backbone


def submit_training(config, client):
    """Submit the final training and return its id, None if it fails."""
    try:
        return submit_and_wait_for_job(client, create_final_training_job(config))
    except JobFailed:
        return None


def submit_sweep(backbone, space, client):
    """Submit a sweep and return its id."""
    return create_hpo_sweep_job_for_backbone(backbone, space, client=client)["id"]
