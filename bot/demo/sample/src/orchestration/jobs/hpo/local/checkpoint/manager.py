"""
@meta
name: local_checkpoints
type: utility
domain: orchestration
tags: [orchestration, hpo, checkpoint]
"""
from pathlib import Path


def checkpoint_files(folder):
    """Return the checkpoints in folder, oldest first by their number."""
    files = Path(folder).glob("checkpoint-*.bin")
    return sorted(files, key=lambda path: int(path.stem.rpartition("-")[2]))


def latest_checkpoint(folder):
    """Return the newest checkpoint in folder as a string, None if there is none."""
    files = checkpoint_files(folder)
    return str(files[-1]) if files else None
