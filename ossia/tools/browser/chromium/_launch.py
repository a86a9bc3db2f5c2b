"""Starts Chromium inside its containment: `launch.py SOCKET (stdio|pipes) CHROMIUM ARGUMENTS`.

Its network namespace has no route anywhere. So a listening socket is made here and handed out over SOCKET, a Unix
socket, and the egress proxy outside accepts on it: Chromium's only way out. Standard library only; it runs under
whatever Python is there.
"""

import os
import socket
import sys

PORT = 3128


def main() -> None:
    """Hand the listener out, put Playwright's pipes where Chromium looks for them, and become Chromium."""
    path, transport, *command = sys.argv[1:]
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as channel, socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", PORT))
        listener.listen(128)
        channel.connect(path)
        socket.send_fds(channel, [b"listener"], [listener.fileno()])
        channel.recv(1)
    if transport == "stdio":
        # Chromium reads commands from 3 and answers on 4; a container passes on nothing but 0, 1 and 2.
        os.dup2(0, 3, inheritable=True)
        os.dup2(1, 4, inheritable=True)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.dup2(2, 1)
    os.execv(command[0], command)


if __name__ == "__main__":
    main()
