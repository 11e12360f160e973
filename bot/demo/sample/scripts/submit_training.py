#!/usr/bin/env python3
"""Print the final training job. Run from anywhere."""
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))

from orchestration.jobs.training import main  # noqa: E402

if __name__ == "__main__":
    raise SystemExit(main())
