"""Tests. Run them from the root of the repository: python3 -m unittest"""
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))
