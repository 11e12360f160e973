"""Studies that run on this machine."""
from .backup import backup_hpo_study_to_drive, immediate_backup_if_needed
from .checkpoint import latest_checkpoint

__all__ = ["backup_hpo_study_to_drive", "immediate_backup_if_needed", "latest_checkpoint"]
