"""Clusters of processes on this machine."""

import json
import os
import socket
import subprocess


def run(commands, timeout, **options):
    """Runs one command per worker of a cluster until all have ended.

    Args:
        commands: list of lists of str, arguments of each worker.
        timeout: float, seconds until all must have ended.
        **options: arguments of `subprocess.Popen`.

    Returns:
        List of pairs of str, what each worker wrote to standard output and
        standard error.
    """
    workers = [f"localhost:{port}" for port in _free_ports(len(commands))]
    processes = []
    try:
        for number, command in enumerate(commands):
            config = {
                "cluster": {"worker": workers},
                "task": {"type": "worker", "index": number},
            }
            processes.append(
                subprocess.Popen(
                    command,
                    env={
                        **os.environ,
                        "TF_CONFIG": json.dumps(config),
                        "TF_CPP_MIN_LOG_LEVEL": "3",
                    },
                    stdout=subprocess.PIPE,
                    stderr=subprocess.PIPE,
                    text=True,
                    **options,
                )
            )
        written = [
            process.communicate(timeout=timeout) for process in processes
        ]
        for process, (_, errors) in zip(processes, written, strict=True):
            assert process.returncode == 0, errors[-3000:]
    finally:
        for process in processes:
            process.kill()
    return written


def _free_ports(count):
    sockets = [socket.socket() for _ in range(count)]
    for one in sockets:
        one.bind(("localhost", 0))
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports
