"""Locks beside files. They hold within this process and between processes."""
import os
from pathlib import Path

HELD: dict[str, int] = {}


class Locked(RuntimeError):
    """Somebody else holds the lock."""


def acquire_lock(path):
    """Lock path and return the lock, a path. Raises Locked."""
    lock = str(path) + ".lock"
    Path(lock).parent.mkdir(parents=True, exist_ok=True)
    try:
        HELD[lock] = os.open(lock, os.O_CREAT | os.O_EXCL | os.O_WRONLY)
    except FileExistsError:
        raise Locked(lock) from None
    return lock


def release_lock(lock):
    """Release a lock that this process holds. Raises KeyError if it does not."""
    os.close(HELD.pop(lock))
    os.unlink(lock)
