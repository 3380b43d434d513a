"""Runs the tests of one folder under pytest; Bazel's tests start here.

python -m tests.run_folder tests/data

Folders within it are left out: they are targets of their own.
"""

import glob
import os
import sys

import pytest

if __name__ == "__main__":
    folder, *arguments = sys.argv[1:]
    files = sorted(glob.glob(os.path.join(folder, "*_test.py")))
    if not files:
        sys.exit(f"{folder}: expected a folder with files named *_test.py")
    # Bazel runs targets in parallel already.
    sys.exit(pytest.main([*files, *arguments, "-n", "0"]))
