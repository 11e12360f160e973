"""Names of runs, with versions."""
from infrastructure.naming.mlflow.config import naming_settings


def build_run_name(kind, name):
    """Return a name that no other run has: kind, name and the next version."""
    # Not at the top: versions are kept by the index, which reads our settings.
    from orchestration.jobs.tracking.index.version_counter import reserve_run_name_version

    stem = naming_settings()["separator"].join((kind, name))
    return f"{stem}-v{reserve_run_name_version(stem)}"


def parse_run_name(name):
    """Return the stem and the version of a name."""
    stem, _, version = name.rpartition("-v")
    return stem, int(version)
