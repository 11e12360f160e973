"""What trackers have in common."""
from orchestration.jobs.tracking.index import update_mlflow_index


class Tracker:
    """Records what happens to one run."""

    kind = "run"

    def __init__(self, name):
        self.name = name

    def record(self, **data):
        """Add data to the run and return its entry."""
        return update_mlflow_index(self.name, {"kind": self.kind, **data})
