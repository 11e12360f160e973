"""Benchmark jobs. They were moved to evaluation.benchmarking long ago."""
from orchestration.jobs.benchmarking.runner import run_benchmark_job

__all__ = ["run_benchmark_job"]
