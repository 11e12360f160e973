"""pyproject.toml says what is there."""
import importlib
import tomllib
import unittest

from tests.support import ROOT

SRC = ROOT / "src"


def module_file(name):
    """Return the file of a module, None if there is none."""
    path = SRC.joinpath(*name.split("."))
    return next((file for file in (path / "__init__.py", path.with_suffix(".py")) if file.exists()), None)


class Packaging(unittest.TestCase):
    def setUp(self):
        self.project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))

    def test_packages(self):
        there = {".".join(file.parent.relative_to(SRC).parts) for file in SRC.rglob("__init__.py")}
        listed = self.project["tool"]["setuptools"]["packages"]
        self.assertEqual(sorted(there), sorted(listed))

    def test_entry_points(self):
        project = self.project["project"]
        targets = {**project["scripts"], **project["entry-points"]["resume_ner.jobs"]}
        names = {}
        for name, target in targets.items():
            module, _, function = target.partition(":")
            names[name] = getattr(importlib.import_module(module), function).__name__
        self.assertEqual(names, {
            "final-training": "main",
            "final_training": "create_final_training_job",
            "sweep": "create_hpo_sweep_job_for_backbone",
            "refit": "run_refit",
            "convert": "run_conversion_workflow",
        })

    def test_modules_that_mypy_is_told_of(self):
        for override in self.project["tool"]["mypy"]["overrides"]:
            modules = override["module"]
            for name in [modules] if isinstance(modules, str) else modules:
                self.assertIsNotNone(module_file(name.removesuffix(".*")), name)

    def test_files_that_ruff_is_told_of(self):
        for pattern in self.project["tool"]["ruff"]["lint"]["per-file-ignores"]:
            self.assertTrue(list(ROOT.glob(pattern)), pattern)
