"""The command line: convert-model."""


def convert(checkpoint, output, drive=None):
    """Convert a checkpoint and return the model."""
    from orchestration.jobs.conversion import run_conversion_workflow

    return run_conversion_workflow(checkpoint, output, drive)
