"""Jobs for AzureML."""
import contextlib
import io
import json
import os
import subprocess
import sys
import unittest
from unittest import mock
from unittest.mock import patch

from orchestration.jobs.hpo.azureml import sweeps
from orchestration.jobs.hpo.azureml.sweeps import create_dry_run_sweep_job_for_backbone, validate_sweep_job
from orchestration.jobs.training import (
    DEFAULTS,
    build_final_training_config,
    create_final_training_job,
    main,
    validate_final_training_job,
)
from training import cli, submit
from tests.support import ROOT, Client, StateCase


class Training(unittest.TestCase):
    def test_config(self):
        config = build_final_training_config({"epochs": 5}, learning_rate=1)
        self.assertEqual(config, {"epochs": 5, "learning_rate": 1})

    def test_job(self):
        job = create_final_training_job(DEFAULTS)
        self.assertEqual(validate_final_training_job(job), [])
        self.assertEqual(job["tags"]["kind"], "final_training")

    @patch("orchestration.jobs.training.submit_and_wait_for_job", return_value="job-9")
    def test_submit(self, wait):
        self.assertEqual(create_final_training_job(DEFAULTS, client=Client())["id"], "job-9")

    def test_defaults_are_patched(self):
        with patch.dict("orchestration.jobs.training.DEFAULTS", epochs=11):
            self.assertEqual(build_final_training_config({})["epochs"], 11)

    def test_main(self):
        with contextlib.redirect_stdout(io.StringIO()) as out:
            self.assertEqual(main(["--epochs", "2"]), 0)
        self.assertEqual(json.loads(out.getvalue())["config"]["epochs"], 2)

    def run_python(self, *arguments):
        env = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
        done = subprocess.run([sys.executable, *arguments], env=env, capture_output=True, text=True, check=True)
        return json.loads(done.stdout)

    def test_module_is_run(self):
        job = self.run_python("-m", "orchestration.jobs.training", "--epochs", "4")
        self.assertEqual(job["config"]["epochs"], 4)

    def test_script_is_run(self):
        job = self.run_python(str(ROOT / "scripts" / "submit_training.py"), "--epochs", "4")
        self.assertEqual(job["config"]["epochs"], 4)


class Sweeps(unittest.TestCase):
    def test_dry_run(self):
        job = create_dry_run_sweep_job_for_backbone("bert", {"epochs": [1]})
        self.assertEqual((job["trials"], validate_sweep_job(job)), (1, []))
        self.assertEqual(job["space"], {"epochs": {"type": "choice", "values": [1]}})

    @mock.patch("orchestration.jobs.hpo.azureml.sweeps.submit_and_wait_for_job", return_value="job-3")
    def test_submit(self, wait):
        job = sweeps.create_hpo_sweep_job_for_backbone("bert", {"epochs": [1]}, client=Client())
        self.assertEqual(job["id"], "job-3")

    def test_patch_object(self):
        with patch.object(sweeps, "DRY_RUN_TRIALS", 2):
            self.assertEqual(create_dry_run_sweep_job_for_backbone("bert", {})["trials"], 2)


class Submit(StateCase):
    def test_training(self):
        client = Client()
        self.assertEqual(submit.submit_training({"epochs": 1}, client), "job-1")
        self.assertEqual(client.jobs[0]["config"], {"epochs": 1})
        self.assertIsNone(submit.submit_training({}, Client("Failed")))

    def test_sweep(self):
        self.assertEqual(submit.submit_sweep("bert", {}, Client()), "job-1")

    @patch("training.submit.create_final_training_job", return_value="a job")
    def test_name_of_the_caller_is_patched(self, create):
        client = Client()
        submit.submit_training({}, client)
        self.assertEqual(client.jobs, ["a job"])

    def test_command_line(self):
        self.assertEqual(cli.submit(Client(), cli.parse([]).epochs), "job-1")
        with self.assertRaisesRegex(RuntimeError, "epochs must be 1 or more"):
            cli.submit(Client(), 0)

    @patch("orchestration.jobs.runtime.submit_and_wait_for_job", return_value="patched")
    def test_attribute_chain_sees_the_patch(self, wait):
        self.assertEqual(cli.submit(Client(), 1), "patched")

    @patch("orchestration.jobs.hpo.local.refit.executor.run_refit", return_value="kept")
    def test_attribute_chain_of_a_kept_module_sees_the_patch(self, refit):
        self.assertEqual(cli.refit(Client(), {}), "kept")
