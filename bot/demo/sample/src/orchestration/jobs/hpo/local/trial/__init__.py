"""Trials on this machine."""
from .runner import run_trial

__all__ = ["run_trial"]
