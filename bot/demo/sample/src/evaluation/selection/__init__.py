"""Selection of the best run."""
from .local_selection_v2 import select_best_run

__all__ = ["select_best_run"]
