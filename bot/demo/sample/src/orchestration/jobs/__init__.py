"""Jobs. The names that most callers need are here."""
from .runtime import JobFailed, submit_and_wait_for_job
from .tracking.index import update_mlflow_index

__all__ = ["JobFailed", "submit_and_wait_for_job", "update_mlflow_index"]
