"""Messages between our own processes: length-prefixed JSON on a socket pair; never pickle, never a port."""

import array
import json
import os
import socket
import struct
from collections.abc import Iterable, Iterator
from typing import Any, Generic, TypeVar

from weaver_like.domain.codec import Codec

Sent = TypeVar("Sent")
Received = TypeVar("Received")

_HEADER = struct.Struct("!I")
#: Room for the largest message: a request body with its escapes.
MAX_BYTES = 256 * 2**20
#: JSON has no NaN and infinity. Texts are escaped: Python's may hold halves of surrogate pairs, UTF-8 may not.
_JSON = json.JSONEncoder(separators=(",", ":"), allow_nan=False)
_CHUNK_BYTES = 1 << 18
#: Most file descriptors that come with one message.
_MOST_DESCRIPTORS = 4


class WireError(Exception):
    """The peer sent something that is not a message."""


class Wire(Generic[Sent, Received]):
    """One end of a socket pair that carries messages, whether or not the socket blocks.

    Args:
        sends: codec of what goes out from this end.
        receives: codec of what comes in.
        trusted: whether file descriptors are accepted; otherwise the kernel closes those that come.

    Attributes:
        closed: the peer has closed its end, and everything that it sent was read.
        descriptors: file descriptors that came with messages; the user takes them out.
    """

    def __init__(
        self, channel: socket.socket, sends: Codec[Sent], receives: Codec[Received], trusted: bool = False
    ) -> None:
        self._channel = channel
        self._trusted = trusted
        self._sends = sends
        self._receives = receives
        self._buffer = bytearray()
        self.descriptors: list[int] = []
        self.closed = False

    def fileno(self) -> int:
        return self._channel.fileno()

    def close(self) -> None:
        self._channel.close()

    def encode(self, message: Sent) -> bytes:
        """The bytes of a message on the socket. Raises: ValueError, if a number in it is NaN or infinite."""
        body = _JSON.encode(self._sends.encode(message)).encode()
        return _HEADER.pack(len(body)) + body

    def send(self, message: Sent, descriptors: Iterable[int] = ()) -> None:
        """Send one message, blocking; `descriptors` travel with its first byte.

        Raises: OSError, if the peer has gone; ValueError, if a number in the message is NaN or infinite.
        """
        self.send_encoded(self.encode(message), descriptors)

    def send_encoded(self, data: bytes, descriptors: Iterable[int] = ()) -> None:
        """Send the result of `encode`, e.g. to several peers. Raises: OSError, if the peer has gone."""
        passed = list(descriptors)
        if passed:
            sent = socket.send_fds(self._channel, [data], passed)
            data = data[sent:]
        if data:
            self._channel.sendall(data)

    def fill(self) -> None:
        """Read once what is there; sets `closed` at the end of the stream."""
        try:
            data = self._receive() if self._trusted else self._channel.recv(_CHUNK_BYTES)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        self.closed = not data
        self._buffer += data

    def messages(self) -> Iterator[Received]:
        """Yield every whole message that was read, without those that the codec ignores.

        Raises: WireError, MessageError.
        """
        while len(self._buffer) >= _HEADER.size:
            (size,) = _HEADER.unpack_from(self._buffer)
            if size > MAX_BYTES:
                raise WireError(f"a message of {size} bytes was announced; at most {MAX_BYTES} are allowed")
            end = _HEADER.size + size
            if len(self._buffer) < end:
                return
            body = bytes(self._buffer[_HEADER.size : end])
            del self._buffer[:end]
            message = self._receives.decode(_parse(body))
            if message is not None:
                yield message

    def receive(self) -> Received | None:
        """Wait for one message (the socket blocks); None at the end of the stream. Raises: WireError, MessageError."""
        while True:
            for message in self.messages():
                return message
            if self.closed:
                return None
            self.fill()

    def _receive(self) -> bytes:
        descriptors = array.array("i")
        room = socket.CMSG_LEN(_MOST_DESCRIPTORS * descriptors.itemsize)
        data, ancillary, _flags, _address = self._channel.recvmsg(_CHUNK_BYTES, room)
        for level, kind, content in ancillary:
            if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
                descriptors.frombytes(content[: len(content) - len(content) % descriptors.itemsize])
        for descriptor in descriptors:
            os.set_inheritable(descriptor, False)
        self.descriptors.extend(descriptors)
        return data


def _parse(body: bytes) -> object:
    """Raises: WireError."""
    try:
        document = json.loads(body)
        return _repaired(document) if b"\\ud" in body else document
    except (ValueError, RecursionError) as error:
        raise WireError(f"a message is not JSON: {error}") from error


def _repaired(value: Any) -> Any:
    """Replace halves of surrogate pairs by question marks."""
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, list):
        return [_repaired(part) for part in value]
    if isinstance(value, dict):
        return {_repaired(name): _repaired(part) for name, part in value.items()}
    return value
