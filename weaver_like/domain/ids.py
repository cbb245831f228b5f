"""Identifiers: job id, process id, safe file name."""

import re
import unicodedata
import uuid

_PROCESS_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}\Z")
_CONTROL = re.compile(r"[\x00-\x1f\x7f\\]")
_UNSAFE = re.compile(r"[^\w.+:=@,-]+")


def new_job_id() -> str:
    """A random UUID: job ids must not be guessable, as knowing one may give access to its results."""
    return str(uuid.uuid4())


def is_process_id(text: str) -> bool:
    """True for 1 to 128 letters, digits, `.`, `_`, `-`, the first a letter or digit: safe in any URL and file name."""
    return bool(_PROCESS_ID.match(text))


def is_file_name(name: str) -> bool:
    """True for the name of one file or folder: not a path, at most 255 bytes."""
    return name not in ("", ".", "..") and not {"/", "\0"} & set(name) and len(name.encode("utf-8", "replace")) <= 255


def staged_file_name(path: str) -> str:
    """The last segment of a path as it is, blanks and signs included, for a file in a work folder."""
    last = unicodedata.normalize("NFC", path).rstrip("/").rpartition("/")[2]
    cleaned = _CONTROL.sub("_", last).encode("utf-8", "replace").decode()
    return cleaned if is_file_name(cleaned) else safe_file_name(cleaned)


def safe_file_name(name: str, fallback: str = "file") -> str:
    """The last segment of a path, without characters that a file system or header would misread; at most 120 bytes."""
    last = unicodedata.normalize("NFC", name).replace("\\", "/").rstrip("/").rpartition("/")[2]
    cleaned = _UNSAFE.sub("_", last).lstrip(".-")
    return cleaned.encode("utf-8", "ignore")[-120:].decode("utf-8", "ignore").lstrip(".-") or fallback
