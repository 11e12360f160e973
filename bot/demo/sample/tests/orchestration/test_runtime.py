"""The runtime: imported, aliased and patched in several ways."""
import unittest
from unittest import mock

import orchestration.jobs.runtime
import orchestration.jobs.runtime as runtime
from orchestration.jobs import JobFailed as FailedJob
from orchestration.jobs import runtime as same_runtime
from orchestration.jobs.runtime import JobFailed, submit_and_wait_for_job
from tests.support import Client


class Submit(unittest.TestCase):
    def test_waits_for_the_end(self):
        client = Client("Queued", "Running", "Completed")
        self.assertEqual(submit_and_wait_for_job(client, {"kind": "x"}), "job-1")
        self.assertEqual(client.jobs, [{"kind": "x"}])

    def test_failure(self):
        with self.assertRaisesRegex(JobFailed, "job-1: Failed"):
            submit_and_wait_for_job(Client("Failed"), {})

    def test_gives_up(self):
        with self.assertRaisesRegex(FailedJob, "still running"):
            orchestration.jobs.runtime.submit_and_wait_for_job(Client("Running"), {}, polls=2)

    def test_one_module(self):
        self.assertIs(runtime, same_runtime)
        self.assertIs(runtime, orchestration.jobs.runtime)
        self.assertIs(JobFailed, FailedJob)

    def test_logs(self):
        with self.assertLogs("azureml.runtime", "INFO") as logs:
            submit_and_wait_for_job(Client(), {})
        self.assertEqual(logs.output, ["INFO:azureml.runtime:submitted job-1"])

    @mock.patch("orchestration.jobs.runtime.poll", return_value="Canceled")
    def test_patched_inside(self, poll):
        with self.assertRaisesRegex(JobFailed, "Canceled"):
            submit_and_wait_for_job(Client(), {})
        poll.assert_called_once()

    def test_patch_object(self):
        with mock.patch.object(runtime, "poll", return_value="Completed") as poll:
            submit_and_wait_for_job(Client("Running"), {})
        poll.assert_called_once()

    def test_attribute_is_set(self):
        before = runtime.FINISHED
        self.addCleanup(setattr, orchestration.jobs.runtime, "FINISHED", before)
        orchestration.jobs.runtime.FINISHED = ("Sleeping",)
        with self.assertRaisesRegex(JobFailed, "Sleeping"):
            submit_and_wait_for_job(Client("Sleeping"), {})
