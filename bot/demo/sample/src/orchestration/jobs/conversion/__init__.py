"""Deprecated: import from deployment.conversion.orchestration."""
from deployment.conversion.orchestration import run_conversion_workflow

__all__ = ["run_conversion_workflow"]
