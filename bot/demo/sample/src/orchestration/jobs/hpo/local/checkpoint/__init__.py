"""Checkpoints on this machine."""
from .manager import checkpoint_files, latest_checkpoint

__all__ = ["checkpoint_files", "latest_checkpoint"]
