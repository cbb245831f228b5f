"""HTTP without a client library."""

import socket


def receive(connection: socket.socket) -> bytes:
    """Everything until the server closes, or the announced length has come."""
    found = b""
    while True:
        try:
            piece = connection.recv(65536)
        except ConnectionResetError:
            return found
        found += piece
        head, end, body = found.partition(b"\r\n\r\n")
        length = next(
            (
                int(line.partition(b":")[2])
                for line in head.lower().split(b"\r\n")
                if line.startswith(b"content-length:")
            ),
            None,
        )
        if not piece or (end and length is not None and len(body) >= length):
            return found
