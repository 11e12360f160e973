"""The index of runs: the package, its modules, their state."""
import importlib
from unittest import mock

import orchestration.jobs.tracking.index
import orchestration.jobs.tracking.index.file_locking as locks
from orchestration.jobs.tracking import find_in_mlflow_index as find
from orchestration.jobs.tracking import index as index_package
from orchestration.jobs.tracking.index import (
    acquire_lock,
    cleanup_stale_reservations,
    get_mlflow_index_path,
    get_run_name_counter_path,
    release_lock,
)
from orchestration.jobs.tracking.index import run_index, version_counter
from orchestration.jobs.tracking.index.file_locking import Locked
from infrastructure.tracking.mlflow.finder import find_mlflow_run, find_runs_of_kind
from infrastructure.tracking.mlflow.trackers.conversion_tracker import ConversionTracker
from tests.support import StateCase


class Index(StateCase):
    def test_finds_what_was_recorded(self):
        index_package.update_mlflow_index("run", {"kind": "test"})
        self.assertEqual(find("run").data, {"kind": "test"})
        self.assertEqual(find_mlflow_run("run"), run_index.IndexEntry("run", {"kind": "test"}))
        self.assertEqual(find_runs_of_kind("test"), ["run"])
        self.assertEqual(get_mlflow_index_path().parent, self.folder / "state")

    def test_locks_are_shared(self):
        lock = acquire_lock(self.folder / "x")
        self.assertIn(lock, locks.HELD)
        with self.assertRaises(Locked):
            ConversionTracker("x").run(self.folder / "x", lambda: None)
        release_lock(lock)
        self.assertEqual(locks.HELD, {})

    def test_no_lock_is_left(self):
        run_index.update_mlflow_index("run", {})
        version_counter.reserve_run_name_version("run")
        self.assertEqual(orchestration.jobs.tracking.index.file_locking.HELD, {})
        self.assertEqual(get_run_name_counter_path().exists(), True)

    def test_versions(self):
        self.assertEqual([version_counter.reserve_run_name_version("a") for _ in range(2)], [1, 2])
        self.assertTrue(version_counter.commit_run_name_version("a", 2))
        self.assertEqual(cleanup_stale_reservations(), 1)
        self.assertEqual(version_counter.reserve_run_name_version("a"), 3)

    @mock.patch("orchestration.jobs.tracking.index.run_index.acquire_lock", side_effect=Locked("busy"))
    def test_locked(self, acquire):
        with self.assertRaises(Locked):
            run_index.update_mlflow_index("run", {})

    @mock.patch("orchestration.jobs.tracking.index.version_counter.load_mlflow_config")
    def test_settings_are_read_by_the_module(self, load):
        load.return_value = {"state": str(self.folder / "other")}
        self.assertEqual(version_counter.reserve_run_name_version("a"), 1)
        self.assertTrue((self.folder / "other" / "versions.json").exists())

    @mock.patch.multiple("orchestration.jobs.tracking.index.run_index", read_json=mock.DEFAULT, write_json=mock.DEFAULT)
    def test_several_at_once(self, read_json, write_json):
        read_json.return_value = {}
        run_index.update_mlflow_index("run", {"kind": "x"})
        self.assertEqual(write_json.call_args.args[1], {"run": {"kind": "x"}})

    def test_imported_by_name(self):
        package = importlib.import_module("orchestration.jobs.tracking.index")
        module = importlib.import_module("orchestration.jobs.tracking.index.run_index")
        relative = importlib.import_module(".file_locking", "orchestration.jobs.tracking.index")
        self.assertIs(package.run_index, module)
        self.assertIs(relative, locks)
        self.assertIs(module.acquire_lock, relative.acquire_lock)
