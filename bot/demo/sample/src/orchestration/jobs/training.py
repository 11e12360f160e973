from __future__ import annotations

"""
@meta
name: azureml_final_training_jobs
type: script
domain: orchestration
responsibility:
  - Build the configuration of the final training
  - Create and validate the AzureML job
inputs:
  - Best trial of a study
outputs:
  - AzureML job
tags:
  - orchestration
  - azureml
  - training
lifecycle:
  status: active
"""

import argparse
import json
from typing import Any

from infrastructure.naming.mlflow.tags import base_tags
from orchestration.jobs.runtime import submit_and_wait_for_job

DEFAULTS = {"epochs": 3, "learning_rate": 2e-5}


def build_final_training_config(best: dict[str, Any], **overrides: Any) -> dict[str, Any]:
    """Return the configuration of the final training: defaults, best trial, overrides."""
    return {**DEFAULTS, **best, **overrides}


def create_final_training_job(config: dict[str, Any], client=None) -> dict[str, Any]:
    """Return the job for config. With a client, submit it and add its id."""
    job = {"kind": "training", "config": config, "tags": base_tags("final_training")}
    if client is not None:
        job["id"] = submit_and_wait_for_job(client, job)
    return job


def validate_final_training_job(job: dict[str, Any]) -> list[str]:
    """Return what is wrong with a job, a line each."""
    problems = []
    if job.get("kind") != "training":
        problems.append("kind is not training")
    if job.get("config", {}).get("epochs", 0) < 1:
        problems.append("epochs must be 1 or more")
    return problems


def main(argv: list[str] | None = None) -> int:
    """Print the job that the arguments describe."""
    parser = argparse.ArgumentParser(description="Create the final training job")
    parser.add_argument("--epochs", type=int, default=DEFAULTS["epochs"])
    options = parser.parse_args(argv)
    job = create_final_training_job(build_final_training_config({}, epochs=options.epochs))
    print(json.dumps(job, sort_keys=True))
    return len(validate_final_training_job(job))


if __name__ == "__main__":
    raise SystemExit(main())
