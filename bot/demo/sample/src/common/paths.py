"""Where things are."""
from pathlib import Path


def project_root() -> Path:
    """Return the folder that holds src/ and tests/."""
    return Path(__file__).resolve().parents[2]


def config_file(name: str) -> Path:
    """Return the path of a file in config/."""
    return project_root() / "config" / name
