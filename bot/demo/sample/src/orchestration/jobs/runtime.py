"""
@meta
name: azureml_runtime
type: utility
domain: orchestration
responsibility:
  - Submit a job and wait for its end
tags:
  - orchestration
  - azureml
  - runtime
lifecycle:
  status: active
"""
import logging

log = logging.getLogger("azureml.runtime")

FINISHED = ("Completed", "Failed", "Canceled")


class JobFailed(RuntimeError):
    """A job ended in another way than it should."""


def poll(client, job_id):
    """Return the status of a job."""
    return client.status(job_id)


def submit_and_wait_for_job(client, job, polls=10):
    """Submit job, wait until it ends and return its id.

    Raises JobFailed if it fails, is cancelled, or is still running after so
    many polls.
    """
    job_id = client.create(job)
    log.info("submitted %s", job_id)
    for _ in range(polls):
        status = poll(client, job_id)
        if status == "Completed":
            return job_id
        if status in FINISHED:
            raise JobFailed(f"job {job_id}: {status}")
    raise JobFailed(f"job {job_id}: still running")
