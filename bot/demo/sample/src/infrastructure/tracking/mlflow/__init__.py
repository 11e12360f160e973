"""MLflow: finder, trackers, artifacts."""
