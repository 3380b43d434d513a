"""Runs one test file under pytest; Bazel's tests start here.

python -m tests.run_file tests/data/noise_test.py
"""

import sys

import pytest

if __name__ == "__main__":
    # One file, one process.
    sys.exit(pytest.main([*sys.argv[1:], "-n", "0"]))
