"""Trials over folds."""
from orchestration.jobs.hpo.local.trial import runner
from orchestration.jobs.tracking.index import update_mlflow_index as record


def run_folds(folds, space, folder, drive=None):
    """Run a trial for each fold and return the results."""
    results = [runner.run_trial(number, space, folder, drive) for number in range(folds)]
    record("folds", {"kind": "cv", "folds": folds})
    return results
