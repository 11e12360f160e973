// Package demo tells the whole story on one machine: a GitHub of its own, a
// sample repository, an issue with a plan, and three pull requests that carry
// it out.
//
// The sample is a small project with the marks of a real one that grew. Each
// shape that makes a reorganization hard is there, and the sample's own tests
// notice when it is handled wrongly:
//
//	shape                                            where (below sample/)
//	module hidden by a package of the same name      src/orchestration/jobs/conversion.py
//	duplicate but for docstrings and blank lines     src/orchestration/jobs/sweeps.py
//	wrapper that re-exports                          .../tracking/mlflow_naming.py, mlflow_run_finder.py, finder/, artifacts/
//	wrapper of a module that moves                   .../tracking/mlflow_index.py
//	wrapper with a star import                       .../tracking/artifact_manager.py
//	wrapper that assigns                             .../tracking/mlflow_config_loader.py, utils/, trackers/
//	wrapper that forwards and warns                  .../tracking/mlflow_tracker.py
//	broken re-export that nobody imports             src/orchestration/jobs/benchmarking/
//	destination exists with other content            src/orchestration/jobs/local_selection_v2.py
//	kept folders in a package that is deleted        src/orchestration/jobs/hpo/local/{checkpoint,cv,mlflow,...}/
//	moved module imports a kept one                  .../hpo/azureml/sweeps.py, .../hpo/local/backup.py
//	kept module imports moved ones                   .../hpo/local/trial/runner.py, refit/executor.py
//	__init__.py with its imports twice               src/orchestration/jobs/tracking/index/__init__.py
//	names that the new facade lacks                  IndexEntry, remove_from_mlflow_index, JobFailed, DEFAULTS
//	facade that no row of the plan names             src/orchestration/jobs/__init__.py, .../hpo/local/__init__.py
//	relative imports at several levels               .../hpo/local/backup.py, trial/runner.py, jobs/conversion.py
//	metadata block: docstring, after __future__,     jobs/runtime.py, jobs/training.py,
//	  tags as list or inline, or none at all           hpo/azureml/sweeps.py, tracking/index/file_locking.py
//	import inside a function                         src/deployment/cli.py, src/infrastructure/naming/mlflow/run_names.py
//	import under TYPE_CHECKING                       src/infrastructure/tracking/mlflow/finder.py
//	attribute chains                                 src/training/cli.py
//	aliases of modules and names                     src/training/hpo/tracking/setup.py, src/training/execution/mlflow_setup.py
//	one import of names that part ways               src/training/submit.py, src/training/execution/mlflow_setup.py
//	modules named by strings                         src/common/registry.py, config/jobs.json, pyproject.toml
//	patches of moved, retired and kept modules       tests/
//	state that breaks when a module is loaded twice  src/orchestration/jobs/tracking/index/file_locking.py
//	look-alikes that must stay                       src/common/scheduling.py, src/deployment/conversion/orchestration.py
//	cells, commands and outputs of notebooks         notebooks/
//	examples, prose, paths and links                 README.md, src/*/README.md, docs/
//	pages that are history                           CHANGELOG.md, docs/audits/
//	lists of packages, entry points, mypy, ruff      pyproject.toml
package demo
