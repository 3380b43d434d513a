"""Runs modules in processes forked from one that has imported TensorFlow.

Importing TensorFlow takes longer than most commands under test. A server
process imports it once and forks for each command, which then has arguments,
environment, folder and output of its own, as in a new process. Nothing of this
project is imported before the fork.
"""

import atexit
import functools
import gc
import json
import os
import runpy
import socket
import subprocess
import sys
import tempfile
import traceback

# Whatever takes long to import and starts nothing when it is imported.
_PRELOADED = (
    "tensorflow",
    "keras",
    "matplotlib",
    "PIL.Image",
    "scipy.stats",
    "tensorflow_datasets",
    "tensorflow_probability",
)


def run(module, arguments, env, cwd=None, stdin=None):
    """Runs a module as `python -m module arguments` does.

    Args:
        module: str, the module.
        arguments: list of str.
        env: dict, the environment.
        cwd: str, the folder to run in. Defaults to the current one.
        stdin: str, the standard input. Defaults to nothing.

    Returns:
        A `subprocess.CompletedProcess` with text.
    """
    request = {
        "module": module,
        "arguments": [os.fspath(argument) for argument in arguments],
        "env": {key: os.fspath(value) for key, value in env.items()},
        "cwd": os.fspath(cwd or os.getcwd()),
    }
    with (
        tempfile.TemporaryFile("w+") as given,
        tempfile.TemporaryFile("w+") as out,
        tempfile.TemporaryFile("w+") as err,
    ):
        given.write(stdin or "")
        given.seek(0)
        server = _server()
        files = [given.fileno(), out.fileno(), err.fileno()]
        socket.send_fds(server, [json.dumps(request).encode()], files)
        code = int(server.recv(16))
        out.seek(0)
        err.seek(0)
        return subprocess.CompletedProcess(
            [sys.executable, "-m", module, *request["arguments"]],
            code,
            out.read(),
            err.read(),
        )


@functools.cache
def _server():
    """Starts the server of this process and returns the socket to it."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    # As the commands set it before they import TensorFlow.
    environment = os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3"}
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.forks", str(theirs.fileno())],
        cwd=os.path.dirname(os.path.dirname(os.path.abspath(__file__))),
        pass_fds=[theirs.fileno()],
        env=environment,
        # The process of the tests speaks with pytest over its own.
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    theirs.close()

    def stop():
        ours.close()
        process.wait()

    atexit.register(stop)
    return ours


def _serve(connection):
    """Forks for each request until the client closes its socket.

    Returns:
        The request (in a forked process), or None at the end (in the server).
    """
    for name in _PRELOADED:
        __import__(name)
    # A collection would touch, and so copy, all that the processes share.
    gc.freeze()
    while True:
        message, files, _, _ = socket.recv_fds(connection, 1 << 20, 3)
        if not message:
            return None
        child = os.fork()
        if not child:
            connection.close()
            for target, file in enumerate(files):
                os.dup2(file, target)
                os.close(file)
            return json.loads(message)
        for file in files:
            os.close(file)
        _, status = os.waitpid(child, 0)
        connection.send(str(os.waitstatus_to_exitcode(status)).encode())


def _become(request):
    """Makes this process the one that was asked for."""
    # Those of TensorFlow would look for a GPU if it has not been used.
    atexit._clear()
    os.environ.clear()
    os.environ.update(request["env"])
    os.chdir(request["cwd"])
    given = request["env"].get("PYTHONPATH", "").split(os.pathsep)
    own = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    sys.path[:] = [
        request["cwd"],
        *filter(None, given),
        *(p for p in sys.path if p and p != own and p not in given),
    ]
    sys.argv = [request["module"], *request["arguments"]]
    # What this file is called in its own process.
    del sys.modules["__main__"]
    sys.modules.pop("tests", None)
    code = 0
    try:
        runpy.run_module(request["module"], run_name="__main__", alter_sys=True)
    except SystemExit as error:
        code = error.code
        if not isinstance(code, (int, type(None))):
            print(code, file=sys.stderr)
            code = 1
    except BaseException:
        traceback.print_exc()
        code = 1
    # As at the end of a process, less the release of all that was imported.
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code or 0)


if __name__ == "__main__":
    with socket.socket(fileno=int(sys.argv[1])) as _connection:
        _request = _serve(_connection)
    if _request is not None:
        _become(_request)
