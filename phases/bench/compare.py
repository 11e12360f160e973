#!/usr/bin/env python3
"""Times restage beside rope and ripgrep, on repositories that it makes up.

Prints one table for a repository of 500 Python files, with how many of the 33
places that name the first module end up right, and one for larger trees. Every
program runs as a process of its own, on a fresh copy, with the files in memory
already. Times are the best of several runs; rope's is of one.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
PYTHON = "/usr/bin/python3"  # Debian's, which python3-rope is for
RUNS = 10


def run(*command, runs=1, before=None):
    """Runs a command, and returns its best time and its most memory, in MB."""
    times, peak = [], 0
    for _ in range(runs):
        if before:
            before()
        start = time.perf_counter()
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        _, status, usage = os.wait4(process.pid, 0)
        times.append(time.perf_counter() - start)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode != 0:
            sys.exit(f"{' '.join(command)} failed")
        peak = max(peak, usage.ru_maxrss / 1024)
    return min(times), peak


def copy(source, target):
    """Makes a fresh copy. The one before is moved away and not deleted: ext4 makes
    files slowly for a while after many were deleted."""
    if os.path.exists(target):
        os.rename(target, tempfile.mkdtemp(dir=os.path.dirname(target)) + "/old")
    shutil.copytree(source, target)
    run("bench", "read", target)


def moves(plan):
    """Returns the dotted names in a plan: pairs of old and new."""
    rows = re.findall(r"from: (\S+)\.py, to: (\S+)\.py", open(plan).read())
    return [tuple(path.replace("/", ".") for path in row) for row in rows]


def count(root, name):
    """Counts the places below root that name a module as it is to be named."""
    package, _, last = name.rpartition(".")
    words = [re.escape(w) for w in (name, f"from {package} import {last}", name.replace(".", "/") + ".py")]
    pattern = re.compile(r"(?<![\w.])(?:src/)?(?:" + "|".join(words) + r")\b")
    total = 0
    for folder, _, files in os.walk(root):
        for file in files:
            with open(os.path.join(folder, file), encoding="utf-8") as f:
                total += len(pattern.findall(f.read()))
    return total


def there(peer):
    """Says whether a program to compare with is installed."""
    if peer == "rope":
        return os.path.exists(PYTHON) and subprocess.run([PYTHON, "-c", "import rope"], stderr=subprocess.DEVNULL).returncode == 0
    return shutil.which(peer) is not None


def phases():
    """Runs the Go benchmarks: the three phases and the preflight in one process, nothing written."""
    print("\nThe phases and the preflight by themselves, nothing written\n")
    out = subprocess.run(["go", "test", "./phases/bench", "-run", "^$", "-bench", "Plan|Preflight|Tree", "-benchtime", "40x"],
                         cwd=os.path.join(HERE, "..", ".."), stdout=subprocess.PIPE, check=True, text=True).stdout
    print("\n".join(line for line in out.splitlines() if line.startswith("Benchmark")))


def table(title, head, rows):
    print(f"\n{title}\n")
    widths = [max(len(str(row[i])) for row in [head, *rows]) for i in range(len(head))]
    for row in [head, ["-" * w for w in widths], *rows]:
        print("| " + " | ".join(str(cell).ljust(w) for cell, w in zip(row, widths)) + " |")


def milliseconds(seconds):
    return f"{seconds * 1000:,.0f} ms"


def compare(root):
    """Times all of them on 500 files."""
    repo, work = os.path.join(root, "repo"), os.path.join(root, "work")
    run("bench", "make", repo, "500", "10")
    plan = repo + ".yaml"
    old, new = moves(plan)[0]
    places = count(repo, old)

    def fresh():
        copy(repo, work)

    fresh()
    reading, _ = run("bench", "read", work, runs=RUNS)
    rows = [["reading every file", reading, ""]]
    if there("rg"):
        words = "|".join(re.escape(name.rpartition(".")[2]) for name, _ in moves(plan))
        rows.append(["rg, for the names of ten modules", run("rg", "-c", words, work, runs=RUNS)[0], ""])
    restage, _ = run("restage", "apply", plan, "--repo", work, runs=RUNS, before=fresh)
    rows.append(["restage, a plan that moves ten modules", restage, f"{count(work, new)} of {places}"])
    if there("rope"):
        times = []
        for where, prefix in [("", "src/"), ("/src", "")]:
            fresh()
            folder = os.path.dirname(new.replace(".", "/"))
            os.makedirs(os.path.join(work, "src", folder))
            for package in (folder, os.path.dirname(folder)):
                open(os.path.join(work, "src", package, "__init__.py"), "w").close()
            took, _ = run(PYTHON, os.path.join(HERE, "rope_move.py"), work + where, prefix + old.replace(".", "/") + ".py", prefix + folder)
            times.append(took)
            rows.append([f"rope, one of the moves, started in {where.strip('/') or 'the root'}", took, f"{count(work, new)} of {places}"])
        print(f"restage moves ten modules {min(times) / restage:,.0f} times faster than rope moves one.")

    table("500 Python files", ["", "time", "x reading", "places right"],
          [[name, milliseconds(t), f"{t / reading:.1f}", right] for name, t, right in rows])


def trees(root):
    """Times restage on larger trees, with a plan that touches few files."""
    rows = []
    for size in (1000, 4000, 12000):
        repo = os.path.join(root, f"tree{size}")
        run("bench", "make", repo, str(size), "3")
        size_mb = sum(os.path.getsize(os.path.join(d, f)) for d, _, files in os.walk(repo) for f in files) / 1e6
        reading, _ = run("bench", "read", repo, runs=RUNS)
        took, peak = run("restage", "apply", repo + ".yaml", "--repo", repo, "--diff", runs=RUNS)
        rows.append([f"{size:,}", f"{size_mb:.0f} MB", milliseconds(reading), milliseconds(took), f"{took / reading:.1f}",
                     f"{size_mb / took:.0f} MB/s", f"{peak:.0f} MB"])
        shutil.rmtree(repo)
    table("Larger trees, a plan with three moves", ["files", "size", "reading", "restage", "x reading", "speed", "peak memory"], rows)


def main():
    missing = [package for package, peer in [("ripgrep", "rg"), ("python3-rope", "rope")] if not there(peer)]
    if missing:
        print(f"To compare with all: sudo apt-get install {' '.join(missing)}", file=sys.stderr)
    with tempfile.TemporaryDirectory(prefix="restage-bench-") as root:
        subprocess.run(["go", "build", "-o", root + "/bin/", "./phases/bench", "./cmd/restage"], cwd=os.path.join(HERE, "..", ".."), check=True)
        os.environ["PATH"] = root + "/bin" + os.pathsep + os.environ["PATH"]
        compare(root)
        trees(root)
    phases()


if __name__ == "__main__":
    main()
