"""What a folder is going to hold: names that lead out, collide or go too deep are refused before they are fetched."""

from weaver_like.domain.errors import FetchFailed
from weaver_like.domain.ids import is_file_name
from weaver_like.domain.masks import shown

#: Most folders in each other.
MAX_DEPTH = 10


class FolderPlan:
    """Files and folders by their paths below one folder.

    Args:
        most_entries: files and folders.
    Attributes:
        files: path -> address of the bytes.
        folders: their paths, without a slash at the end.
    """

    def __init__(self, most_entries: int):
        self._most_entries = most_entries
        self._paths: dict[str, str] = {}
        self.files: dict[str, str] = {}
        self.folders: set[str] = set()

    def add_file(self, path: str, uri: str) -> None:
        """The same file may come again. Raises: FetchFailed."""
        names = _names(path)
        if self.files.get(path, uri) != uri or path in self.folders:
            raise FetchFailed(f"it has two entries of the name '{shown(path)}'")
        self._add_folders(names[:-1])
        self.files[path] = uri
        self._paths.setdefault(uri, path)
        self._count()

    def add_folder(self, path: str) -> None:
        """Raises: FetchFailed."""
        self._add_folders(_names(path))
        self._count()

    def is_free(self, path: str) -> bool:
        """Whether a file may get this path: nothing has it, and no file has that of a folder that it lies in."""
        names = path.split("/")
        above = ["/".join(names[:number]) for number in range(1, len(names))]
        return path not in self.files and path not in self.folders and not any(one in self.files for one in above)

    def path_of(self, uri: str) -> str | None:
        """Where the bytes of an address are going to be."""
        return self._paths.get(uri)

    def _add_folders(self, names: list[str]) -> None:
        for number in range(1, len(names) + 1):
            folder = "/".join(names[:number])
            if folder in self.files:
                raise FetchFailed(f"its entry '{shown(folder)}' is a file, and also a folder")
            self.folders.add(folder)

    def _count(self) -> None:
        if len(self.files) + len(self.folders) > self._most_entries:
            raise FetchFailed(f"it has more than {self._most_entries} files and folders")


def _names(path: str) -> list[str]:
    """The names in a path. Raises: FetchFailed."""
    names = path.split("/")
    for name in names:
        if not is_file_name(name):
            raise FetchFailed(f"it has an entry '{shown(path)}'; expected names of files and folders that lie in it")
    if len(names) > MAX_DEPTH + 1:
        raise FetchFailed(f"its entry '{shown(path)}' lies more than {MAX_DEPTH} folders deep")
    return names
