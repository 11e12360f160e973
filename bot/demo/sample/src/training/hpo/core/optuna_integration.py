"""Studies on disk."""
from pathlib import Path

from common.json_store import read_json, write_json


def study_file(folder):
    """Return the file of the study in folder."""
    return Path(folder) / "study.json"


def save_study(folder, study):
    """Save a study."""
    write_json(study_file(folder), study)


def load_study(folder):
    """Return the study in folder, None if there is none."""
    return read_json(study_file(folder))
