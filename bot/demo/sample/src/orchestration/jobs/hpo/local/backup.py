"""
@meta
name: study_backup
type: utility
domain: hpo
responsibility:
  - Copy studies and checkpoints to a drive
tags:
  - hpo
  - backup
  - orchestration
lifecycle:
  status: active
"""
from __future__ import annotations

import shutil
from pathlib import Path

from training.hpo.core.optuna_integration import study_file

from ...tracking.index.file_locking import acquire_lock, release_lock


def immediate_backup_if_needed(source: Path, drive: Path | None, enabled: bool = True) -> Path | None:
    """Copy source to drive and return the copy; None if there is nothing to do."""
    source = Path(source)
    if not enabled or drive is None or not source.exists():
        return None
    target = Path(drive) / source.name
    target.parent.mkdir(parents=True, exist_ok=True)
    lock = acquire_lock(target)
    try:
        shutil.copy2(source, target)
    finally:
        release_lock(lock)
    return target


def backup_hpo_study_to_drive(folder: Path, drive: Path) -> list[Path]:
    """Copy the study and the newest checkpoint in folder and return the copies."""
    from .checkpoint import latest_checkpoint

    newest = latest_checkpoint(folder)
    sources = [study_file(folder)] + ([Path(newest)] if newest else [])
    copies = [immediate_backup_if_needed(source, drive) for source in sources]
    return [copy for copy in copies if copy is not None]


def create_incremental_backup_callback(drive: Path, every: int = 1):
    """Return a callback for trials that backs up after every so many."""

    def callback(number: int, path: Path) -> Path | None:
        return immediate_backup_if_needed(path, drive, enabled=number % every == 0)

    return callback


def create_study_db_backup_callback(folder: Path, drive: Path):
    """Return a callback that backs up the database of a study."""

    def callback() -> Path | None:
        return immediate_backup_if_needed(study_file(folder), drive)

    return callback
