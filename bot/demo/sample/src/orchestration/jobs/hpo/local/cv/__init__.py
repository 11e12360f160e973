"""Cross-validation on this machine."""
from .folds import run_folds

__all__ = ["run_folds"]
