"""A TCP proxy that loses an answer: what a client asked for is done, and the client does not hear of it."""

import socket
import threading
from contextlib import suppress


class Cut:
    """Stands before a server, on a port of 127.0.0.1.

    `lose(b"insert")`: the answer to the next request with this text in it is lost.
    """

    def __init__(self, server: tuple[str, int]):
        self._server = server
        self._text: bytes | None = None
        self.lost = 0
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def lose(self, text: bytes) -> None:
        self._text = text

    def close(self) -> None:
        self._listener.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                server = socket.create_connection(self._server)
                doomed = threading.Event()
                threading.Thread(target=self._ask, args=(client, server, doomed), daemon=True).start()
                threading.Thread(target=self._answer, args=(client, server, doomed), daemon=True).start()

    def _ask(self, client: socket.socket, server: socket.socket, doomed: threading.Event) -> None:
        with suppress(OSError):
            while data := client.recv(65536):
                if self._text and self._text in data:
                    self._text = None
                    doomed.set()
                server.sendall(data)
            server.close()

    def _answer(self, client: socket.socket, server: socket.socket, doomed: threading.Event) -> None:
        with suppress(OSError):
            while (data := server.recv(65536)) and not doomed.is_set():
                client.sendall(data)
        self.lost += doomed.is_set()
        with suppress(OSError):
            client.shutdown(socket.SHUT_RDWR)
        client.close()
