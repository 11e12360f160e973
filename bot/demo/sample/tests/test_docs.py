"""Examples in READMEs and cells of notebooks work."""
import importlib.util
import json
import re
import unittest

from tests.support import ROOT, StateCase

EXAMPLE = re.compile(r"^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)
RUN = re.compile(r"-m ([\w.]+)")


class Examples(StateCase):
    def test_readmes(self):
        for readme in sorted((ROOT / "src").rglob("README.md")):
            for example in EXAMPLE.findall(readme.read_text(encoding="utf-8")):
                with self.subTest(readme=readme.relative_to(ROOT), example=example):
                    exec(compile(example, str(readme), "exec"), {"__name__": "example"})

    def test_links(self):
        for page in [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]:
            for link in re.findall(r"\]\(([^)#:]+)\)", page.read_text(encoding="utf-8")):
                self.assertTrue((page.parent / link).exists(), f"{page.name}: {link}")


class Notebooks(StateCase):
    def test_cells(self):
        for path in sorted((ROOT / "notebooks").glob("*.ipynb")):
            names = {"__name__": "notebook"}
            for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
                if cell["cell_type"] != "code":
                    continue
                lines = "".join(cell["source"]).splitlines()
                code = "\n".join(line for line in lines if not line.startswith(("%", "!")))
                with self.subTest(notebook=path.name, code=code):
                    exec(compile(code, path.name, "exec"), names)

    def test_commands(self):
        commands = 0
        for path in sorted((ROOT / "notebooks").glob("*.ipynb")):
            for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
                for line in "".join(cell["source"]).splitlines():
                    if cell["cell_type"] == "code" and line.startswith(("%run", "!")):
                        commands += 1
                        self.check(path, line)
        self.assertEqual(commands, 3)

    def check(self, notebook, line):
        module = RUN.search(line)
        if module:
            self.assertIsNotNone(importlib.util.find_spec(module.group(1)), line)
        else:
            self.assertTrue((notebook.parent / line.split()[1]).exists(), line)


if __name__ == "__main__":
    unittest.main()
