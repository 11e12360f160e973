"""Tracks trainings."""
from .base import Tracker


class TrainingTracker(Tracker):
    """Records a training."""

    kind = "training"

    def finish(self):
        """Give the run its version and return it."""
        from orchestration.jobs.tracking.index import commit_run_name_version, reserve_run_name_version

        version = reserve_run_name_version(self.name)
        commit_run_name_version(self.name, version)
        return version
