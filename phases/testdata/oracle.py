"""Runs scripts in folders, each in a child of this one process, and compares
what Python makes of a tree from phase to phase.

For each line {"runs": [...], "stages": [...]} it prints a line {"outputs": [...],
"differences": [...]}; see phases_test.go.
"""

import json
import os
import runpy
import sys
import tempfile
import traceback
import unittest.mock  # so that children find it loaded
import warnings

import meaning


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


def look(stage):
    """Starts a child that looks at a stage; what it returns waits for the
    answer."""
    answer = tempfile.TemporaryFile("w+")
    child = os.fork()
    if child == 0:
        try:
            os.dup2(os.open(os.devnull, os.O_RDWR), 0)
            os.chdir(stage["dir"])
            os.environ["PYTHONPATH"] = os.pathsep.join(stage["paths"])
            sys.path[:1] = stage["paths"]
            sys.argv = ["oracle"]
            warnings.simplefilter("ignore")
            json.dump(meaning.look(stage), answer)
            answer.flush()
        except BaseException:
            traceback.print_exc()
        os._exit(0)

    def wait():
        os.waitpid(child, 0)
        with answer:
            answer.seek(0)
            return json.load(answer)

    return wait


def compare(stages):
    """Returns what differs between stages that follow each other."""
    seen = [wait() for wait in [look(stage) for stage in stages]]
    found = []
    for stage, was, now in zip(stages[1:], seen, seen[1:]):
        diff = meaning.differences(stage, was, now, dict(stage["moves"]), stage["rewritten"])
        found += [f"{stage['phase']}: {d}" for d in diff]
    return found


sys.dont_write_bytecode = True
os.environ["PYTHONDONTWRITEBYTECODE"] = "1"
for line in sys.stdin:
    asked = json.loads(line)
    answer = {
        "outputs": [run(job) for job in asked["runs"] or []],
        "differences": compare(asked["stages"]),
    }
    print(json.dumps(answer), flush=True)
