"""Runs scripts in folders, each in a child of this one process, and compares
the syntax trees of files before and after they were rewritten.

For each line {"runs": [...], "pairs": [...]} it prints a line {"outputs": [...],
"differences": [...]}; see phases_test.go.
"""

import ast
import json
import os
import runpy
import sys
import traceback
import unittest.mock  # so that children find it loaded


def run(job):
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        status = 1
        try:
            os.close(read)
            os.dup2(write, 1)
            os.dup2(write, 2)
            os.chdir(job["dir"])
            os.environ["PYTHONPATH"] = os.pathsep.join(job["paths"])
            sys.path[:1] = job["paths"]
            sys.argv = [job["file"]]
            runpy.run_path(job["file"], run_name="__main__")
            status = 0
        except SystemExit as e:
            status = e.code or 0
        except BaseException:
            traceback.print_exc()
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status if isinstance(status, int) else 1)
    os.close(write)
    with open(read, encoding="utf-8", errors="replace") as pipe:
        output = pipe.read()
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    output = output.replace(job["dir"], "DIR")
    return output if status == 0 else f"{output}\nexit status {status}"


class Shape(ast.NodeTransformer):
    """Leaves out what a rewrite may change: imports, dotted names, strings
    with a dot, a slash or a colon in them."""

    def drop(self, node):
        return None

    visit_Import = visit_ImportFrom = visit_Pass = drop

    def visit_Name(self, node):
        return ast.Name("_", node.ctx)

    def visit_Attribute(self, node):
        at = node
        while isinstance(at, ast.Attribute):
            at = at.value
        if isinstance(at, ast.Name):
            return ast.Name("_", node.ctx)
        return self.generic_visit(node)

    def visit_Constant(self, node):
        if isinstance(node.value, str) and any(mark in node.value for mark in (".", "/", ":", "@meta")):
            return ast.Constant("_")
        return node


def shape(file):
    with open(file, "rb") as f:
        source = f.read()
    try:
        return ast.dump(Shape().visit(ast.parse(source)), indent=1)
    except SyntaxError:
        return None  # Python 2


def compare(pair):
    before, after = shape(pair["before"]), shape(pair["after"])
    if before != after:
        return [f"{pair['after']} is other code than before:\n{before}\n---\n{after}"]
    return []


sys.dont_write_bytecode = True
os.environ["PYTHONDONTWRITEBYTECODE"] = "1"
for line in sys.stdin:
    asked = json.loads(line)
    answer = {
        "outputs": [run(job) for job in asked["runs"] or []],
        "differences": [d for pair in asked["pairs"] or [] for d in compare(pair)],
    }
    print(json.dumps(answer), flush=True)
