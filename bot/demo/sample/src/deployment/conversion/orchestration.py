"""Orchestration of a conversion: backup, convert, record.

This module is not the package of that name.
"""
from pathlib import Path

from orchestration.jobs.hpo.local.backup import immediate_backup_if_needed
from orchestration.jobs.tracking.index import find_in_mlflow_index


def write_model(checkpoint, output):
    """Write the converted model."""
    Path(output).write_text(f"onnx of {Path(checkpoint).name}", encoding="utf-8")
    return Path(output)


def run_conversion_workflow(checkpoint, output, drive=None):
    """Convert a checkpoint unless that was done and return the model."""
    from orchestration.jobs.tracking.trackers import ConversionTracker

    name = Path(output).name
    if find_in_mlflow_index(name) is not None:
        return Path(output)
    model = ConversionTracker(name).run(output, lambda: write_model(checkpoint, output))
    immediate_backup_if_needed(model, drive)
    return model
