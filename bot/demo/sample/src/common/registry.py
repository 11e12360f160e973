"""Job kinds by name. Modules are imported when a kind is asked for."""
import importlib
import json

from common.paths import config_file

FACTORIES = {
    "training": ("orchestration.jobs.training", "create_final_training_job"),
    "sweep": ("orchestration.jobs.hpo.azureml.sweeps", "create_hpo_sweep_job_for_backbone"),
    "refit": ("orchestration.jobs.hpo.local.refit.executor", "run_refit"),
}

INDEX = "orchestration.jobs.tracking.index"


def factory(kind):
    """Return the function that makes jobs of this kind."""
    module, name = FACTORIES[kind]
    return getattr(importlib.import_module(module), name)


def index_writer():
    """Return the function that records runs."""
    return importlib.import_module(INDEX + ".run_index").update_mlflow_index


def configured(name):
    """Return the function that config/jobs.json names, as "module:function"."""
    target = json.loads(config_file("jobs.json").read_text(encoding="utf-8"))[name]
    module, _, function = target.partition(":")
    return getattr(importlib.import_module(module), function)


def runtime():
    """Return the module that submits jobs."""
    return importlib.import_module("orchestration.jobs.runtime")
