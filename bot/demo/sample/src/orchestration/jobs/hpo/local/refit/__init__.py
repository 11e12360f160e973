"""The last training with the best values."""
from .executor import run_refit

__all__ = ["run_refit"]
