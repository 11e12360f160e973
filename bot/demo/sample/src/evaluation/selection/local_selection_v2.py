"""Selects the best local run."""
from __future__ import annotations

from typing import Any

from orchestration.jobs.tracking.finder import find_mlflow_run
from orchestration.jobs.tracking.utils import run_url


def select_best_run(runs: list[dict[str, Any]]) -> dict[str, Any] | None:
    """Return the run with the highest score, with its page; None if there is none."""
    if not runs:
        return None
    best = max(runs, key=lambda run: run["score"])
    return {**best, "url": run_url(best["id"]), "known": find_mlflow_run(best["id"]) is not None}
