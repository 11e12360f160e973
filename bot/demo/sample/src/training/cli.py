"""The command line: submit-training."""
import argparse

import orchestration.jobs.runtime
import orchestration.jobs.training
import orchestration.jobs.hpo.local.refit.executor


def submit(client, epochs):
    """Submit a training and return its id."""
    config = orchestration.jobs.training.build_final_training_config({}, epochs=epochs)
    job = orchestration.jobs.training.create_final_training_job(config)
    problems = orchestration.jobs.training.validate_final_training_job(job)
    if problems:
        raise orchestration.jobs.runtime.JobFailed("; ".join(problems))
    return orchestration.jobs.runtime.submit_and_wait_for_job(client, job)


def refit(client, best):
    """Run a refit and return its index entry."""
    return orchestration.jobs.hpo.local.refit.executor.run_refit(best, client)


def parse(argv):
    """Return the options."""
    parser = argparse.ArgumentParser(prog="submit-training")
    parser.add_argument("--epochs", type=int, default=orchestration.jobs.training.DEFAULTS["epochs"])
    return parser.parse_args(argv)
