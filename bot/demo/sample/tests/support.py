"""What tests share."""
import os
import tempfile
import unittest
from pathlib import Path
from unittest import mock

ROOT = Path(__file__).resolve().parents[1]


class Client:
    """A cluster that answers with the given statuses, one after the other."""

    def __init__(self, *statuses):
        self.statuses = list(statuses) or ["Completed"]
        self.jobs = []

    def create(self, job):
        self.jobs.append(job)
        return f"job-{len(self.jobs)}"

    def status(self, job_id):
        return self.statuses.pop(0) if len(self.statuses) > 1 else self.statuses[0]


class StateCase(unittest.TestCase):
    """A test with a state folder and a drive of its own."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        self.drive = self.folder / "drive"
        patch = mock.patch.dict(os.environ, {"RUN_STATE": str(self.folder / "state")})
        patch.start()
        self.addCleanup(patch.stop)
