"""Selection of the best local run, as jobs see it.

The work is done in evaluation.selection.local_selection_v2. What is left here
is the old way to ask for it, which also took a limit.
"""
from __future__ import annotations

from typing import Any


def select_best_configuration(runs: list[dict[str, Any]], limit: int = 10) -> dict[str, Any] | None:
    """Return the best of the first runs."""
    from evaluation.selection.local_selection_v2 import select_best_run

    return select_best_run(runs[:limit])
