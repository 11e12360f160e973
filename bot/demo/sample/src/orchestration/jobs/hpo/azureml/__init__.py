"""Sweeps in AzureML."""
from .sweeps import (
    create_dry_run_sweep_job_for_backbone,
    create_hpo_sweep_job_for_backbone,
    validate_sweep_job,
)

__all__ = [
    "create_dry_run_sweep_job_for_backbone",
    "create_hpo_sweep_job_for_backbone",
    "validate_sweep_job",
]
