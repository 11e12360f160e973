"""Selection and benchmarks."""
from unittest import mock

from evaluation.benchmarking import orchestrator
from evaluation.selection import select_best_run
from orchestration.jobs.tracking.artifacts import load_artifact
from orchestration.jobs.tracking.artifacts.manager import save_artifact
from orchestration.jobs.tracking.finder.run_finder import find_mlflow_run
from orchestration.jobs.tracking.mlflow_tracker import Tracker
from orchestration.jobs.tracking.trackers.training_tracker import TrainingTracker
from tests.support import StateCase


class Selection(StateCase):
    def test_best(self):
        TrainingTracker("b").record()
        best = select_best_run([{"id": "a", "score": 1}, {"id": "b", "score": 2}])
        self.assertEqual((best["id"], best["known"]), ("b", True))
        self.assertEqual(best["url"], "https://mlflow.example.org/#/runs/b")
        self.assertIsNone(select_best_run([]))

    @mock.patch("evaluation.selection.local_selection_v2.find_mlflow_run", return_value=None)
    def test_unknown(self, find):
        self.assertFalse(select_best_run([{"id": "a", "score": 1}])["known"])


class Benchmarks(StateCase):
    def test_result(self):
        result = orchestrator.run_benchmark("0123456789", 3, self.drive)
        self.assertEqual((result["run"], result["seconds"]), ("01234567", 3))
        self.assertEqual(result["backup"], self.drive / "benchmark.json")
        self.assertEqual(find_mlflow_run("0123456789").data, {"kind": "training", "seconds": 3})

    def test_module_sees_the_patch(self):
        with mock.patch("orchestration.jobs.hpo.local.backup.immediate_backup_if_needed", return_value="there"):
            self.assertEqual(orchestrator.run_benchmark("run", 3)["backup"], "there")

    @mock.patch("orchestration.jobs.tracking.index.update_mlflow_index", return_value="patched")
    def test_name_that_is_imported_from_the_package(self, update):
        self.assertEqual(orchestrator.remember("run"), "patched")
        update.assert_called_once_with("run", {"kind": "benchmark", "kinds": ["conversion", "training"]})

    def test_trackers(self):
        self.assertEqual(TrainingTracker("run").finish(), 1)
        self.assertEqual(TrainingTracker("run").finish(), 2)
        self.assertTrue(issubclass(TrainingTracker, Tracker))

    def test_artifacts(self):
        save_artifact("run", "report", [1])
        self.assertEqual(load_artifact("run", "report"), [1])
        self.assertIsNone(load_artifact("run", "other"))
