"""Studies: many trials, one winner."""
from .manager import run_study

__all__ = ["run_study"]
