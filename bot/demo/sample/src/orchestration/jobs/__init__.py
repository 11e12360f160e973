"""Jobs. The names that most callers need are here."""
from .runtime import JobFailed, submit_and_wait_for_job
from .training import build_final_training_config, create_final_training_job

__all__ = [
    "JobFailed",
    "build_final_training_config",
    "create_final_training_job",
    "submit_and_wait_for_job",
]
