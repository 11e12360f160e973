"""Conversion."""
from pathlib import Path
from unittest.mock import patch

from deployment import cli
from deployment.conversion import orchestration, run_conversion_workflow
from orchestration.jobs.conversion import run_conversion_workflow as old_workflow
from tests.support import StateCase


class Conversion(StateCase):
    def setUp(self):
        super().setUp()
        self.output = self.folder / "model.onnx"

    def test_workflow(self):
        model = run_conversion_workflow("checkpoint-3.bin", self.output, self.drive)
        self.assertEqual(model.read_text(encoding="utf-8"), "onnx of checkpoint-3.bin")
        self.assertEqual((self.drive / "model.onnx").exists(), True)
        self.assertIs(old_workflow, run_conversion_workflow)

    def test_done_once(self):
        cli.convert("a.bin", self.output)
        cli.convert("b.bin", self.output)
        self.assertEqual(self.output.read_text(encoding="utf-8"), "onnx of a.bin")

    @patch("orchestration.jobs.conversion.run_conversion_workflow", return_value=Path("patched"))
    def test_command_line_sees_the_patch(self, workflow):
        self.assertEqual(cli.convert("a", "b"), Path("patched"))

    @patch("orchestration.jobs.tracking.trackers.ConversionTracker")
    def test_tracker_is_patched(self, tracker):
        tracker.return_value.run.return_value = Path("tracked")
        self.assertEqual(run_conversion_workflow("a", self.output), Path("tracked"))

    @patch("deployment.conversion.orchestration.write_model")
    def test_module_named_orchestration(self, write):
        write.return_value = self.output
        orchestration.run_conversion_workflow("a", self.output)
        write.assert_called_once_with("a", self.output)
