"""Conversion of checkpoints."""
from .orchestration import run_conversion_workflow

__all__ = ["run_conversion_workflow"]
