"""One trial."""
from pathlib import Path

from ....tracking.index.run_index import update_mlflow_index
from ..backup import immediate_backup_if_needed
from ..checkpoint import latest_checkpoint
from ..optuna.search_space import suggest


def run_trial(number, space, folder, drive=None):
    """Run trial number in folder and return its values, score and backup."""
    values = suggest(space, number)
    checkpoint = Path(folder) / f"checkpoint-{number}.bin"
    checkpoint.write_text(str(sorted(values.items())), encoding="utf-8")
    copy = immediate_backup_if_needed(checkpoint, drive)
    update_mlflow_index(f"trial-{number}", {"kind": "trial", "values": values})
    return {
        "number": number,
        "values": values,
        "score": round(1 / (1 + number), 3),
        "checkpoint": latest_checkpoint(folder),
        "backup": str(copy) if copy else None,
    }
