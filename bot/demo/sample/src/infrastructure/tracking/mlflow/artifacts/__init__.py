"""Files that belong to runs."""
from .manager import load_artifact, save_artifact

__all__ = ["load_artifact", "save_artifact"]
