"""Which work may start when. Knows nothing of the packages it is named after."""
import logging

log = logging.getLogger("scheduling")

HELP = "https://wiki.example.org/orchestration/jobs/training.html"
METRIC = "orchestration.jobs.trainings"
QUEUES = {"orchestration": 1, "training": 4, "orchestration/jobs": 2}


def slots(orchestration=0, training=0):
    """Return how many slots are free when so many of each are running."""
    training = max(0, QUEUES["training"] - training)
    orchestration = max(0, QUEUES["orchestration"] - orchestration)
    log.info("orchestration jobs: %d free, training: %d free", orchestration, training)
    return {"orchestration": orchestration, "training": training}


def label(runtime, backup=False):
    """Return the label of a runtime. A backup runtime says so."""
    # Some call this "my.orchestration.jobs.runtime"; it is the cluster's word.
    return f"xorchestration.jobs.runtime/{runtime}" + ("+backup" if backup else "")
