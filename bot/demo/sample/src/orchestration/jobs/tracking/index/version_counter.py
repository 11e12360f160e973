"""
@meta
name: mlflow_version_counter
type: utility
domain: orchestration
tags: [orchestration, tracking, versions]
"""
from __future__ import annotations

from pathlib import Path

from common.json_store import read_json, write_json
from infrastructure.naming.mlflow.config import load_mlflow_config
from orchestration.jobs.tracking.index.file_locking import (
    acquire_lock,
    release_lock,
)


def get_run_name_counter_path() -> Path:
    """Return the file that holds the versions."""
    return Path(load_mlflow_config()["state"]) / "versions.json"


def _entries() -> list[dict]:
    return read_json(get_run_name_counter_path(), [])


def reserve_run_name_version(name: str) -> int:
    """Reserve the next version of name, from 1."""
    path = get_run_name_counter_path()
    lock = acquire_lock(path)
    try:
        entries = _entries()
        version = 1 + max((entry["version"] for entry in entries if entry["name"] == name), default=0)
        write_json(path, entries + [{"name": name, "version": version, "committed": False}])
    finally:
        release_lock(lock)
    return version


def commit_run_name_version(name: str, version: int) -> bool:
    """Make a reservation last and return whether there was one."""
    entries = _entries()
    for entry in entries:
        if entry["name"] == name and entry["version"] == version:
            entry["committed"] = True
            write_json(get_run_name_counter_path(), entries)
            return True
    return False


def cleanup_stale_reservations() -> int:
    """Drop what was reserved and never committed and return how many that were."""
    entries = _entries()
    kept = [entry for entry in entries if entry["committed"]]
    write_json(get_run_name_counter_path(), kept)
    return len(entries) - len(kept)
