"""Deprecated: import from infrastructure.tracking.mlflow.utils."""
from infrastructure.tracking.mlflow import utils as _m

run_url = _m.run_url
short_id = _m.short_id
