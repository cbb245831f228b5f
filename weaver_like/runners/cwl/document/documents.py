"""The files of a package, in a folder of their own: the only ones that its CWL documents may refer to."""

import base64
from collections.abc import Callable, Mapping
from pathlib import Path
from urllib.parse import unquote, urldefrag, urljoin, urlsplit

from schema_salad.exceptions import ValidationException
from schema_salad.fetcher import Fetcher

from weaver_like.runners.cwl.document.processes import ServerProcesses

#: Asks somebody who may use the network for a document: its text, or raises ValidationException.
Fetch = Callable[[str], str]
_REMOTE = ("http", "https")
_MOST_SPELLINGS = 10_000


def decoded(files: Mapping[str, str]) -> dict[str, bytes]:
    """Files that came in JSON: name -> base64."""
    return {name: base64.b64decode(content) for name, content in files.items()}


def write_package(files: Mapping[str, bytes], folder: Path) -> None:
    """Write the files of a package, by their relative names.

    Raises: ValidationException for a name that leads out of the folder.
    """
    for name, content in files.items():
        path = (folder / name).resolve()
        if not path.is_relative_to(folder):
            raise ValidationException(f"The file '{name}' lies outside of the package.")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        except OSError as error:
            raise ValidationException(f"The file '{name}' cannot be in the package: {error.strerror}.") from error


class PackageFetcher(Fetcher):
    """Serves the files below `root`, and remote documents: those known before, and those that `fetch` brings.

    Args:
        known: URL -> text; what is fetched is added, so that it need not be fetched again.
        processes: of the server, which steps may run.
    """

    def __init__(self, root: Path, known: dict[str, str], fetch: Fetch | None, processes: ServerProcesses):
        self._root = root
        self._known = known
        self._fetch = fetch
        self._processes = processes

    def fetch_text(self, url: str, content_types: list[str] | None = None) -> str:
        """Raises: ValidationException."""
        url = urldefrag(url)[0]
        if urlsplit(url).scheme in _REMOTE:
            return self._remote(url)
        path = self.path_of(url)
        if self._fetch is not None and not path.exists():
            return self._fetch(url)
        try:
            return path.read_text(encoding="utf-8")
        except OSError as error:
            raise ValidationException(
                f"The package has no file '{self._shown(path)}'; send all files that it refers to with it."
            ) from error
        except UnicodeDecodeError as error:
            raise ValidationException(f"The file '{self._shown(path)}' of the package is not UTF-8 text.") from error

    def _remote(self, url: str) -> str:
        if url not in self._known:
            if self._fetch is None:
                raise ValidationException(f"'{url}' is not part of the package as it was deployed.")
            self._known[url] = self._fetch(url)
        return self._known[url]

    def path_of(self, url: str) -> Path:
        """Raises: ValidationException, unless it is a file below the root."""
        parts = urlsplit(url)
        path = Path(unquote(parts.path)).resolve()
        if parts.scheme in ("file", "") and not parts.netloc and path.is_relative_to(self._root):
            return path
        if url.startswith(self._root.parent.as_uri()):  # the place of this folder is nobody's business
            shown = parts.path.rpartition("/")[2]
        else:
            shown = url
        spelt = self._processes.spelt.get(url, shown)
        raise ValidationException(
            f"'{spelt}' lies outside of the package; only its own files and http(s) addresses are allowed."
        )

    def supported_schemes(self) -> list[str]:
        """`id:version` of a process is no name with a prefix."""
        return [*super().supported_schemes(), *(name.partition(":")[0] for name in self._processes.known)]

    def check_exists(self, url: str) -> bool:
        if urlsplit(url).scheme in _REMOTE:
            return True
        url = urldefrag(url)[0]
        return self._has_file(url) or self._processes.find(url) is not None

    def _has_file(self, url: str) -> bool:
        try:
            path = self.path_of(url)
            if self._fetch is not None and not path.exists():
                self._fetch(url)
            return path.exists()
        except ValidationException:
            return False

    def urljoin(self, base_url: str, url: str) -> str:
        if url.startswith("_:"):
            return url
        joined = urljoin(base_url, url)
        if joined.startswith("file:") and len(self._processes.spelt) < _MOST_SPELLINGS:
            self._processes.spelt.setdefault(urldefrag(joined)[0], urldefrag(url)[0])
        if urlsplit(base_url).scheme in _REMOTE and urlsplit(joined).scheme not in _REMOTE:
            raise ValidationException(f"'{url}' is refused: a remote document may not refer to local files.")
        return joined

    def _shown(self, path: Path) -> str:
        return str(path.relative_to(self._root.resolve()))
