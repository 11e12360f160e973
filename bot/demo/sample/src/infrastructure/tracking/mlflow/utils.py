"""Small things about runs."""


def run_url(run_id, server="https://mlflow.example.org"):
    """Return the page of a run."""
    return f"{server}/#/runs/{run_id}"


def short_id(run_id):
    """Return an id that people can read out."""
    return run_id[:8]
