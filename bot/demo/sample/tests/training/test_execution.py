"""Trainings and studies on this machine."""
import sys
import types
from unittest.mock import patch

from orchestration.jobs.tracking.mlflow_index import find_in_mlflow_index
from orchestration.jobs.tracking.mlflow_naming import parse_run_name
from training.execution.executor import execute_training
from training.execution.mlflow_setup import setup_mlflow
from training.hpo.execution.local import sweep
from training.hpo.tracking import setup
from tests.support import StateCase

SPACE = {"epochs": [1, 2, 3]}


class Execution(StateCase):
    def test_versions_count(self):
        first = execute_training("ner", self.folder, self.drive)
        second = execute_training("ner", self.folder)
        self.assertEqual((first["version"], second["version"]), (1, 2))
        self.assertEqual((first["backup"], second["backup"]), (str(self.drive / "ner-v1.bin"), None))

    @patch("training.execution.executor.immediate_backup_if_needed", return_value="copy")
    def test_backup_is_patched_where_it_is_used(self, backup):
        self.assertEqual(execute_training("ner", self.folder)["backup"], "copy")

    def test_setup(self):
        run, key = setup_mlflow("ner", stage="test")
        self.assertEqual(parse_run_name(run), ("training_ner", 1))
        entry = find_in_mlflow_index(run)
        self.assertEqual(entry.data["key"], key)
        self.assertEqual(entry.data["tags"], {"kind": "training", "project": "resume-ner", "stage": "test"})

    @patch("orchestration.jobs.tracking.index.version_counter.reserve_run_name_version", return_value=41)
    def test_name_that_is_imported_inside_a_function(self, reserve):
        run, _ = setup_mlflow("ner")
        self.assertEqual(run, "training_ner-v41")

    @patch("training.execution.mlflow_setup.load_mlflow_config", return_value={"experiment": "other"})
    def test_config_is_patched_where_it_is_used(self, load):
        self.assertNotEqual(setup_mlflow("ner")[1], setup_mlflow("ner")[1])
        self.assertEqual(load.call_count, 2)


class Studies(StateCase):
    def test_tracking(self):
        run = setup.setup_study("ner")
        self.assertEqual(find_in_mlflow_index(run).data, {"experiment": "resume-ner", "kind": "study"})
        self.assertTrue(setup.finish_study(run))
        self.assertFalse(setup.finish_study("study_ner-v7"))

    def test_alias_sees_the_patch(self):
        with patch("orchestration.jobs.tracking.index.version_counter.reserve_run_name_version", return_value=5):
            self.assertEqual(setup.setup_study("ner"), "study_ner-v5")

    def test_sweep(self):
        best = sweep.run_local_sweep("ner", SPACE, self.folder, self.drive)
        self.assertEqual((best["number"], best["values"]), (0, {"epochs": 1}))
        self.assertEqual(best["study"], str(self.drive / "study.json"))
        self.assertTrue((self.drive / "checkpoint-2.bin").exists())
        self.assertEqual(sweep.resume("ner").data["kind"], "sweep")

    def test_trials_are_backed_up(self):
        path = self.folder / "checkpoint-1.bin"
        path.touch()
        self.assertIsNone(sweep.backup_trial(1, path, self.drive))
        self.assertEqual(sweep.backup_trial(2, path, self.drive), self.drive / path.name)

    @patch("orchestration.jobs.hpo.local.study.manager.run_study", return_value={"score": 0.5})
    def test_kept_study_is_patched(self, study):
        self.assertEqual(sweep.run_local_sweep("ner", SPACE, self.folder, self.drive), {"score": 0.5})

    @patch("orchestration.jobs.tracking.mlflow_run_finder.find_mlflow_run", return_value="found")
    def test_finder_is_patched(self, find):
        self.assertEqual(sweep.resume("other"), "found")
        find.assert_called_once_with("sweep/other")

    def test_finder_is_replaced(self):
        fake = types.ModuleType("fake")
        fake.find_mlflow_run = lambda name: "fake " + name
        with patch.dict(sys.modules, {"orchestration.jobs.tracking.mlflow_run_finder": fake}):
            self.assertEqual(sweep.resume("other"), "fake sweep/other")
