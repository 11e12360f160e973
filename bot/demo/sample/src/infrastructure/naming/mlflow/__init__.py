"""Names in MLflow: config, run_keys, run_names and tags."""
