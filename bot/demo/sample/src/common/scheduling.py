"""Which work may start when. Knows nothing of the packages it is named after."""
import logging

from common.json_store import read_json
from common.paths import config_file

log = logging.getLogger("scheduling")

HELP = "https://wiki.example.org/orchestration/jobs/training.py"
QUEUES = {"orchestration": 1, "training": 4, "orchestration/jobs": 2}


def slots(orchestration=0, training=0):
    """Return how many slots are free when so many of each are running."""
    training = max(0, QUEUES["training"] - training)
    orchestration = max(0, QUEUES["orchestration"] - orchestration)
    log.info("orchestration jobs: %d free, training: %d free", orchestration, training)
    return {"orchestration": orchestration, "training": training}


def label(runtime, backup=False):
    """Return the label of a runtime. A backup runtime says so."""
    return f"orchestration_jobs.runtime/{runtime}" + ("+backup" if backup else "")


def metrics():
    """Return what is measured, by the name it has on the dashboard."""
    return read_json(config_file("metrics.json"))
