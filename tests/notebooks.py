"""Executes the notebooks of `examples/`.

    python -m tests.notebooks examples/01_first_run.ipynb ...

writes new outputs into the notebooks named, and one picture of each to
`docs/_static/examples`, for the documentation.
"""

import base64
import os
import sys
import tempfile

import nbclient
import nbformat

from tests import imports

EXAMPLES = os.path.join(imports.ROOT, "examples")
PICTURES = os.path.join(imports.ROOT, "docs", "_static", "examples")

#: Tag of the cell whose picture the documentation shows.
COVER = "cover"

#: Metadata of a notebook, without the versions that executed it.
METADATA = {
    "kernelspec": {
        "display_name": "Python 3",
        "language": "python",
        "name": "python3",
    },
    "language_info": {"name": "python"},
}

# Seconds for one cell. Whole notebooks take less than 40 on two idle cores.
_TIMEOUT = 600
# The kernel runs it before the first cell.
_OFFLINE = """\
import socket

_connect = socket.socket.connect


def _connect_here(self, address):
    if isinstance(address, tuple) and address[0] not in ("127.0.0.1", "::1"):
        raise OSError(f"Expected no use of the network. Received: {address}")
    return _connect(self, address)


socket.socket.connect = _connect_here
del socket
"""


def paths():
    """Paths of all notebooks, in their order."""
    names = sorted(os.listdir(EXAMPLES))
    return [os.path.join(EXAMPLES, n) for n in names if n.endswith(".ipynb")]


def execute(notebook, folder):
    """Runs all cells in a new kernel, which cannot use the network.

    Args:
        notebook: `nbformat.NotebookNode`, whose outputs are replaced.
        folder: str or path-like, the kernel's working directory. Files that
            the notebook writes stay there.

    Raises:
        nbclient.exceptions.CellExecutionError: a cell raised an error.
    """
    with tempfile.TemporaryDirectory() as settings:
        # In place of the user's own settings of IPython.
        startup = os.path.join(settings, "profile_default", "startup")
        os.makedirs(startup)
        with open(os.path.join(startup, "offline.py"), "w") as stream:
            stream.write(_OFFLINE)
        environment = os.environ | {
            "IPYTHONDIR": settings,
            "PYTHONPATH": imports.ROOT,
            "CUDA_VISIBLE_DEVICES": "-1",
        }
        environment.pop("MPLBACKEND", None)  # Kernels draw inline.
        client = nbclient.NotebookClient(
            notebook,
            timeout=_TIMEOUT,
            kernel_name="python3",
            record_timing=False,
            # Keeps what TensorFlow's C++ code reports about a machine out of
            # the notebook.
            extra_arguments=["--IPKernelApp.capture_fd_output=False"],
        )
        client.execute(cwd=os.fspath(folder), env=environment)


def pictures(notebook, tag=None):
    """PNG files in the outputs of a notebook.

    Args:
        notebook: `nbformat.NotebookNode`.
        tag: str, tag of the cells to look at; None looks at all cells.

    Returns:
        List of bytes.
    """
    return [
        base64.b64decode(output["data"]["image/png"])
        for cell in notebook.cells
        if tag is None or tag in cell.metadata.get("tags", ())
        for output in cell.get("outputs", ())
        if "image/png" in output.get("data", ())
    ]


def cover(path):
    """Path of the picture that the documentation shows of a notebook."""
    name = os.path.splitext(os.path.basename(path))[0]
    return os.path.join(PICTURES, f"{name}.png")


def main(arguments):
    os.makedirs(PICTURES, exist_ok=True)
    for path in arguments:
        notebook = nbformat.read(path, as_version=4)
        with tempfile.TemporaryDirectory() as folder:
            execute(notebook, folder)
        notebook.metadata = METADATA
        nbformat.write(notebook, path)
        [picture] = pictures(notebook, COVER)
        with open(cover(path), "wb") as stream:
            stream.write(picture)


if __name__ == "__main__":
    main(sys.argv[1:])
