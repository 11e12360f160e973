"""Tracks conversions."""
from orchestration.jobs.tracking.index.file_locking import (  # one conversion at a time
    acquire_lock,
    release_lock,
)

from .base import Tracker


class ConversionTracker(Tracker):
    """Records a conversion while it holds the lock of its output."""

    kind = "conversion"

    def run(self, output, work):
        """Do the work under the lock of output, record and return its result."""
        lock = acquire_lock(output)
        try:
            result = work()
        finally:
            release_lock(lock)
        self.record(output=str(output))
        return result
