"""``covidct`` as a command on the PATH of a real shell, without the seconds that imports take each time.

``python warm.py SOCKET`` imports the program once and forks a process for each call. ``install`` writes a ``covidct``
that hands words, folder, environment and its three streams to that process and ends with its exit code.
"""

import array
import atexit
import json
import os
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

CLIENT = """#!{python} -SE
import array, json, os, signal, socket, sys
link = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
link.connect({address!r})
call = json.dumps([sys.argv[1:], os.getcwd(), dict(os.environ)]).encode()
streams = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [0, 1, 2]))]
link.sendmsg([len(call).to_bytes(8, "big")], streams)
link.sendall(call)
child = int.from_bytes(link.recv(8), "big")
for number in (signal.SIGINT, signal.SIGTERM):
    signal.signal(number, lambda number, frame: os.kill(child, number))
sys.exit(int.from_bytes(link.recv(8), "big"))
"""


@contextmanager
def covidct_on_path(folder: Path) -> Iterator[str]:
    """A ``PATH`` whose ``covidct`` is forked from a warm process; ``folder`` holds socket and command."""
    address = folder / "warm.sock"
    command = folder / "covidct"
    command.write_text(CLIENT.format(python=sys.executable, address=str(address)))
    command.chmod(0o755)
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[2])}
    running = subprocess.Popen([sys.executable, __file__, str(address)], stdout=subprocess.PIPE, env=environment)
    try:
        assert running.stdout is not None
        assert running.stdout.readline() == b"warm\n"
        yield f"{folder}:{Path(sys.executable).parent}:{os.environ['PATH']}"
    finally:
        running.terminate()
        running.wait(20)


def serve(address: str) -> None:
    """Answer calls until terminated; a caller that goes away takes its process with it."""
    import covidct.bench.training
    import covidct.curate.steps
    import covidct.harvest.run
    import covidct.release.make.build  # noqa: F401

    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.bind(address)
    listener.listen()
    print("warm", flush=True)
    while True:
        link, _ = listener.accept()
        size, rights, _, _ = link.recvmsg(8, socket.CMSG_SPACE(12))
        streams = array.array("i", rights[0][2])
        call = b""
        while len(call) < int.from_bytes(size, "big"):
            call += link.recv(1 << 20)
        if os.fork() == 0:
            listener.close()
            _watch(link, streams, json.loads(call))
        link.close()
        for stream in streams:
            os.close(stream)
        while _reaped():
            pass


def _reaped() -> bool:
    try:
        return os.waitpid(-1, os.WNOHANG)[0] != 0
    except ChildProcessError:
        return False


def _watch(link: socket.socket, streams: array.array, call: list) -> None:  # type: ignore[type-arg]
    child = os.fork()
    if child == 0:
        link.close()
        _become(streams, *call)
    link.send(child.to_bytes(8, "big"))
    for stream in streams:
        os.close(stream)
    handle = os.pidfd_open(child)
    ready, _, _ = select.select([handle, link], [], [])
    if handle not in ready:
        os.killpg(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    if handle in ready:
        link.send((os.waitstatus_to_exitcode(status) % 256).to_bytes(8, "big"))
    os._exit(0)


def _become(streams: array.array, words: list[str], folder: str, environment: dict[str, str]) -> None:  # type: ignore[type-arg]
    """Be the program: its words, folder, environment and streams; never returns."""
    from covidct.__main__ import main

    for number, stream in enumerate(streams):
        os.dup2(stream, number)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    os.setpgid(0, 0)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    sys.argv = ["covidct", *words]
    sys.path[0] = folder
    try:
        main()
    except SystemExit as end:
        # Libraries that started threads before the fork wait for them for ever when the interpreter ends in order.
        atexit._run_exitfuncs()
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(end.code if isinstance(end.code, int) else 1)


if __name__ == "__main__":
    serve(sys.argv[1])
