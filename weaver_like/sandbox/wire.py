"""Messages between our own processes: length-prefixed JSON on a socket pair; never pickle, never a port."""

import array
import json
import os
import socket
import struct
from collections.abc import Iterable, Iterator

_HEADER = struct.Struct("!I")
#: A single message is a request body at the most, with room for its escapes.
MAX_BYTES = 256 * 2**20


class WireError(Exception):
    """The peer sent something that is no message."""


def encode(message: dict) -> bytes:
    """Raises: ValueError, if a number is NaN or infinite: JSON has no word for it."""
    body = json.dumps(message, separators=(",", ":"), allow_nan=False).encode()
    return _HEADER.pack(len(body)) + body


def send(channel: socket.socket, message: dict, descriptors: Iterable[int] = ()) -> None:
    """Send one message, blocking; `descriptors` travel with its first byte.

    Raises: OSError, if the peer has gone.
    """
    data = encode(message)
    passed = list(descriptors)
    if passed:
        sent = socket.send_fds(channel, [data], passed)
        data = data[sent:]
    if data:
        channel.sendall(data)


class Reader:
    """Collects messages from a socket, whether or not it blocks."""

    def __init__(self, channel: socket.socket):
        self.channel = channel
        self.descriptors: list[int] = []
        self.closed = False
        self._buffer = bytearray()

    def fill(self) -> None:
        """Read once what there is; sets `closed` at the end of the stream."""
        try:
            data, descriptors, _flags, _address = _receive(self.channel)
        except BlockingIOError:
            return
        except OSError:
            data, descriptors = b"", []
        self.descriptors.extend(descriptors)
        self.closed = not data
        self._buffer += data

    def messages(self) -> Iterator[dict]:
        """Yield every whole message that was read."""
        while len(self._buffer) >= _HEADER.size:
            (size,) = _HEADER.unpack_from(self._buffer)
            if size > MAX_BYTES:
                raise WireError(f"a message of {size} bytes was announced; at most {MAX_BYTES} are taken")
            if len(self._buffer) < _HEADER.size + size:
                return
            body = bytes(self._buffer[_HEADER.size : _HEADER.size + size])
            del self._buffer[: _HEADER.size + size]
            try:
                message = json.loads(body)
            except ValueError as error:
                raise WireError(f"a message is not JSON: {error}") from error
            if not isinstance(message, dict):
                raise WireError("a message is not an object")
            yield _whole(message) if b"\\ud" in body else message

    def next(self) -> dict | None:
        """Wait for one message (the socket blocks); None at the end of the stream."""
        while True:
            for message in self.messages():
                return message
            if self.closed:
                return None
            self.fill()


def _whole(value: object) -> object:
    """Halves of surrogate pairs, which Python allows in its texts and UTF-8 does not, become question marks."""
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, list):
        return [_whole(part) for part in value]
    if isinstance(value, dict):
        return {_whole(name): _whole(part) for name, part in value.items()}
    return value


def _receive(channel: socket.socket) -> tuple[bytes, list[int], int, object]:
    room = socket.CMSG_LEN(4 * array.array("i").itemsize)
    data, ancillary, flags, address = channel.recvmsg(1 << 18, room)
    descriptors = array.array("i")
    for level, kind, content in ancillary:
        if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
            descriptors.frombytes(content[: len(content) - len(content) % descriptors.itemsize])
    for descriptor in descriptors:
        os.set_inheritable(descriptor, False)
    return data, list(descriptors), flags, address
