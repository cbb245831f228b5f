"""The files of an application package, on disk in a folder of their own, and the only ones that a CWL document may refer to."""

import base64
from collections.abc import Callable, Mapping
from pathlib import Path
from urllib.parse import unquote, urldefrag, urljoin, urlsplit

from schema_salad.exceptions import ValidationException
from schema_salad.fetcher import Fetcher

#: Asks somebody who may use the network for a document: its text, or raises ValidationException.
Fetch = Callable[[str], str]
_OWN = ("https://w3id.org/cwl/", "http://commonwl.org/")


def write_package(files: Mapping[str, str], folder: Path) -> None:
    """files: relative name -> base64.

    Raises: ValidationException for a name that leads out of the folder.
    """
    for name, content in files.items():
        path = (folder / name).resolve()
        if not path.is_relative_to(folder):
            raise ValidationException(f"The file '{name}' lies outside of the package.")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(base64.b64decode(content))
        except OSError as error:
            raise ValidationException(f"The file '{name}' cannot be in the package: {error.strerror}.") from error


class PackageFetcher(Fetcher):
    """Serves the files below `root`, and remote documents: those known before, and those that `fetch` brings.

    known: URL -> text; what is fetched is added, so that it need not be fetched again.
    """

    def __init__(self, root: Path, known: dict[str, str], fetch: Fetch | None):
        self._root = root
        self._known = known
        self._fetch = fetch
        self._spelt: dict[str, str] = {}  # URL -> how a document wrote it, for messages

    def fetch_text(self, url: str, content_types: list[str] | None = None) -> str:
        """Raises: ValidationException."""
        url = urldefrag(url)[0]
        if urlsplit(url).scheme in ("http", "https"):
            if url not in self._known:
                if self._fetch is None:
                    raise ValidationException(f"'{url}' is not part of the package as it was deployed.")
                self._known[url] = self._fetch(url)
            return self._known[url]
        path = self.path_of(url)
        if self._fetch is not None and not path.exists():
            return self._fetch(url)
        try:
            return path.read_text(encoding="utf-8")
        except OSError as error:
            raise ValidationException(
                f"The package has no file '{self._shown(path)}'; all files that it refers to are wanted with it."
            ) from error
        except UnicodeDecodeError as error:
            raise ValidationException(f"The file '{self._shown(path)}' of the package is not UTF-8 text.") from error

    def path_of(self, url: str) -> Path:
        """Raises: ValidationException, unless it is a file below the root."""
        parts = urlsplit(url)
        path = Path(unquote(parts.path)).resolve()
        if parts.scheme not in ("file", "") or parts.netloc or not path.is_relative_to(self._root):
            own = url.startswith(self._root.parent.as_uri())  # the place of this folder is nobody's business
            spelt = self._spelt.get(url, parts.path.rpartition("/")[2] if own else url)
            raise ValidationException(
                f"'{spelt}' lies outside of the package; its own files and http(s) addresses are allowed."
            )
        return path

    def check_exists(self, url: str) -> bool:
        if urlsplit(url).scheme in ("http", "https"):
            return True
        try:
            path = self.path_of(urldefrag(url)[0])
            if self._fetch is not None and not path.exists():
                self._fetch(urldefrag(url)[0])
            return path.exists()
        except ValidationException:
            return False

    def urljoin(self, base_url: str, url: str) -> str:
        if url.startswith("_:"):
            return url
        joined = urljoin(base_url, url)
        if joined.startswith("file:") and len(self._spelt) < 10_000:
            self._spelt.setdefault(urldefrag(joined)[0], urldefrag(url)[0])
        if urlsplit(base_url).scheme in ("http", "https") and urlsplit(joined).scheme not in ("http", "https"):
            raise ValidationException(f"'{url}' is refused: a remote document may not refer to local files.")
        return joined

    def _shown(self, path: Path) -> str:
        return str(path.relative_to(self._root.resolve()))
