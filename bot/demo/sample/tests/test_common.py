"""The registry, which knows modules by name, and scheduling, which knows none."""
import unittest
from unittest.mock import patch

from common import registry, scheduling
from tests.support import Client, StateCase


class Registry(StateCase):
    def test_factories(self):
        self.assertEqual(registry.factory("training")({"epochs": 1})["kind"], "training")
        self.assertEqual(registry.factory("sweep")("bert", {})["kind"], "sweep")
        self.assertEqual(registry.factory("refit").__name__, "run_refit")

    def test_index_writer(self):
        self.assertEqual(registry.index_writer()("run", {}).run_id, "run")

    def test_configured(self):
        self.assertEqual(registry.configured("wait")(Client(), {}), "job-1")
        self.assertEqual(registry.configured("final-training")({})["kind"], "training")
        self.assertEqual(registry.configured("sweep")("bert", {})["kind"], "sweep")
        self.assertEqual(registry.configured("trial").__name__, "run_trial")

    @patch("orchestration.jobs.runtime.submit_and_wait_for_job", return_value="patched")
    def test_module_sees_the_patch(self, wait):
        self.assertEqual(registry.runtime().submit_and_wait_for_job(), "patched")


class Scheduling(unittest.TestCase):
    def test_slots(self):
        with self.assertLogs("scheduling") as logs:
            self.assertEqual(scheduling.slots(orchestration=1, training=1), {"orchestration": 0, "training": 3})
        self.assertEqual(logs.output, ["INFO:scheduling:orchestration jobs: 0 free, training: 3 free"])

    def test_words_are_not_modules(self):
        package = "orchestration"
        self.assertEqual(scheduling.HELP, f"https://wiki.example.org/{package}/jobs/training.py")
        self.assertEqual(scheduling.label("gpu", backup=True), f"{package}_jobs.runtime/gpu+backup")
        self.assertEqual(list(scheduling.metrics()), [
            f"{package}.jobs.trainings", f"my.{package}.jobs.runtime", f"{package}-jobs/training", "wiki",
        ])
        self.assertEqual(scheduling.metrics()["wiki"], f"https://wiki.example.org/src/{package}/jobs/runtime.py")
