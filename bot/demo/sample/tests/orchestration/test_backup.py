"""Backup, which several domains use."""
import unittest.mock as mock

from orchestration.jobs.hpo.local import backup as backups
from orchestration.jobs.hpo.local import immediate_backup_if_needed as from_package
from orchestration.jobs.hpo.local.backup import (
    backup_hpo_study_to_drive,
    create_incremental_backup_callback,
    create_study_db_backup_callback,
    immediate_backup_if_needed,
)
from training.hpo.core.optuna_integration import save_study
from tests.support import StateCase


class Backup(StateCase):
    def setUp(self):
        super().setUp()
        self.file = self.folder / "checkpoint-1.bin"
        self.file.write_text("one", encoding="utf-8")

    def test_copies(self):
        self.assertEqual(immediate_backup_if_needed(self.file, self.drive).read_text(encoding="utf-8"), "one")
        self.assertIs(from_package, immediate_backup_if_needed)

    def test_nothing_to_do(self):
        self.assertIsNone(immediate_backup_if_needed(self.file, None))
        self.assertIsNone(immediate_backup_if_needed(self.file, self.drive, enabled=False))
        self.assertIsNone(immediate_backup_if_needed(self.folder / "none", self.drive))

    def test_study(self):
        save_study(self.folder, {"name": "s"})
        copies = backup_hpo_study_to_drive(self.folder, self.drive)
        self.assertEqual([copy.name for copy in copies], ["study.json", "checkpoint-1.bin"])

    def test_callbacks(self):
        save_study(self.folder, {"name": "s"})
        every_second = create_incremental_backup_callback(self.drive, every=2)
        self.assertIsNone(every_second(1, self.file))
        self.assertEqual(every_second(2, self.file), self.drive / "checkpoint-1.bin")
        self.assertEqual(create_study_db_backup_callback(self.folder, self.drive)(), self.drive / "study.json")

    @mock.patch("orchestration.jobs.hpo.local.backup.shutil.copy2", side_effect=OSError("full"))
    def test_lock_is_released_when_the_drive_is_full(self, copy):
        with self.assertRaisesRegex(OSError, "full"):
            immediate_backup_if_needed(self.file, self.drive)
        self.assertEqual(list(self.drive.glob("*.lock")), [])

    @mock.patch("orchestration.jobs.hpo.local.backup.immediate_backup_if_needed", return_value=None)
    def test_patched_for_the_module_itself(self, backup):
        self.assertEqual(backup_hpo_study_to_drive(self.folder, self.drive), [])
        self.assertEqual(backup.call_count, 2)

    def test_names_in_the_module_are_patched(self):
        with mock.patch.object(backups, "acquire_lock") as acquire, mock.patch.object(backups, "release_lock"):
            backups.immediate_backup_if_needed(self.file, self.drive)
        acquire.assert_called_once_with(self.drive / "checkpoint-1.bin")

    @mock.patch("orchestration.jobs.hpo.local.checkpoint.latest_checkpoint", return_value=None)
    def test_kept_name_that_is_imported_inside_a_function(self, latest):
        self.assertEqual(backup_hpo_study_to_drive(self.folder, self.drive), [])
        latest.assert_called_once_with(self.folder)
