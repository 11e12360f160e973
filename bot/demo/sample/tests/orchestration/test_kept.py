"""What stays where it is: studies on this machine."""
from unittest import mock

from orchestration.jobs.hpo.local import checkpoint, latest_checkpoint
from orchestration.jobs.hpo.local.cv import run_folds
from orchestration.jobs.hpo.local.mlflow.cleanup import forget_runs
from orchestration.jobs.hpo.local.optuna import search_space
from orchestration.jobs.hpo.local.refit.executor import run_refit
from orchestration.jobs.hpo.local.trial.runner import run_trial
from orchestration.jobs.tracking.index import IndexEntry, find_in_mlflow_index, update_mlflow_index
from orchestration.jobs.tracking.index.run_index import remove_from_mlflow_index
from tests.support import Client, StateCase

SPACE = {"epochs": [1, 2], "layers": [6]}


class Kept(StateCase):
    def test_trial(self):
        trial = run_trial(1, SPACE, self.folder, self.drive)
        self.assertEqual(trial["values"], {"epochs": 2, "layers": 6})
        self.assertEqual(trial["backup"], str(self.drive / "checkpoint-1.bin"))
        self.assertEqual(find_in_mlflow_index("trial-1").data["values"], trial["values"])

    def test_checkpoints(self):
        for number in (9, 10):
            (self.folder / f"checkpoint-{number}.bin").touch()
        self.assertEqual(latest_checkpoint(self.folder), str(self.folder / "checkpoint-10.bin"))
        self.assertEqual(len(checkpoint.checkpoint_files(self.folder)), 2)

    @mock.patch("orchestration.jobs.hpo.local.trial.runner.immediate_backup_if_needed")
    def test_name_of_a_moved_module_patched_in_a_kept_one(self, backup):
        backup.return_value = "elsewhere"
        self.assertEqual(run_trial(0, SPACE, self.folder)["backup"], "elsewhere")

    @mock.patch("orchestration.jobs.hpo.local.trial.runner.run_trial", return_value={"score": 1})
    def test_kept_module_patched(self, trial):
        self.assertEqual(run_folds(2, SPACE, self.folder), [{"score": 1}] * 2)
        self.assertEqual(trial.call_count, 2)

    @mock.patch("orchestration.jobs.hpo.local.refit.executor.submit_and_wait_for_job", return_value="job-7")
    def test_refit(self, submit):
        entry = run_refit({"layers": 6}, Client())
        self.assertEqual(entry, IndexEntry("job-7", entry.data))
        self.assertEqual(entry.data["config"]["refit"], True)
        submit.assert_called_once()

    @mock.patch("orchestration.jobs.tracking.index.find_in_mlflow_index", return_value="patched")
    def test_name_that_a_kept_module_imports_inside_a_function(self, find):
        self.assertEqual(run_refit({}, Client()), "patched")
        find.assert_called_once_with("job-1")

    def test_forget(self):
        update_mlflow_index("a", {})
        update_mlflow_index("b", {})
        self.assertEqual(forget_runs(["a", "c"]), ["a"])
        remove_from_mlflow_index("b")
        self.assertIsNone(find_in_mlflow_index("b"))

    def test_space(self):
        self.assertEqual(search_space.suggest(SPACE, 3), {"epochs": 2, "layers": 6})
