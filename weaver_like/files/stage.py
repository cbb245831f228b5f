"""Bringing the inputs of a job into its work folder."""

from abc import abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote, unquote, urljoin, urlsplit

from weaver_like.domain.errors import Fault, FetchFailed, InvalidInput
from weaver_like.domain.execution import Execution
from weaver_like.domain.fileobjects import FileObject, find_locations, location_of, relocated
from weaver_like.domain.formats import essence, extension_of, is_json, is_media_type, media_type_of
from weaver_like.domain.ids import staged_file_name
from weaver_like.domain.masks import shown
from weaver_like.domain.messages import InputFile, InputReference, InputValue, RunInput
from weaver_like.domain.values import Reference, Value
from weaver_like.fetchers.base import NO_HEADERS, Fetched, Fetcher, FetchLimits
from weaver_like.files.listing import FolderFetcher
from weaver_like.schemas.jsontext import loads
from weaver_like.schemas.validators import InputValidator, ProcessValidator
from weaver_like.settings.sections import LimitsSettings

#: Largest referenced value that is not a file (a number, a text); it is read as a whole.
_VALUE_BYTES = 10 * 2**20
#: Media types by which a server says nothing in particular.
_UNSPECIFIC = ("application/octet-stream", "text/plain", "binary/octet-stream")


@dataclass(slots=True)
class Staged:
    """The inputs of a job in its work folder.

    Args:
        inputs: id -> occurrences as the job's child gets them.
        bytes_in: id -> bytes fetched or given.
    """

    inputs: dict[str, tuple[RunInput, ...]] = field(default_factory=dict)
    bytes_in: dict[str, int] = field(default_factory=dict)

    def values_of(self, names: Iterable[str]) -> Iterator[object]:
        """Yield the values, JSON, of some inputs, also of those that were given by reference."""
        for name in names:
            yield from (item.value for item in self.inputs.get(name, ()) if isinstance(item, InputValue))


def find_fetcher(fetchers: Mapping[str, Fetcher], uri: str) -> Fetcher:
    """The fetcher of a URI's scheme. Raises: FetchFailed."""
    try:
        scheme = urlsplit(uri).scheme.lower()
    except ValueError as error:
        raise FetchFailed(f"'{shown(uri)}' is not a URI: {error}.") from error
    fetcher = fetchers.get(scheme)
    if fetcher is None:
        raise FetchFailed(f"'{shown(uri)}' has the scheme '{scheme}'; expected one of {', '.join(fetchers)}.")
    return fetcher


class OwnFiles(Fetcher):
    """Files of this server, by their links."""

    @abstractmethod
    def owns(self, uri: str) -> bool:
        """Whether a link leads to one of them."""


@dataclass(frozen=True, slots=True)
class _Origin:
    """Where a file came from. name: of the file here, which may be another one than in the address."""

    uri: str
    name: str
    headers: Mapping[str, str] = field(default_factory=dict)

    def beside(self, companion: str) -> str:
        """The address of a companion, which is named after the file: `a.tif.idx`, or `a.idx` instead of `a.tif`."""
        address = urlsplit(self.uri)
        stem, last, left = self.name, unquote(address.path.rpartition("/")[2]), companion
        while stem and not companion.startswith(stem):
            stem, last = stem.rpartition(".")[0], last.rpartition(".")[0]
        if stem:
            left = last + companion[len(stem) :]
        return urljoin(address._replace(query="", fragment="").geturl(), quote(left))


class Stager:
    """Stages the inputs of one job.

    Args:
        proceed: called while something is fetched; raises to stop.
        holds_file_objects: values may hold File and Directory objects of CWL, which name places themselves.
        passes_references: fetch nothing; references are passed on as they came.
        limits: of folders.
        own: brings what lies on this server.
    """

    def __init__(
        self,
        fetchers: Mapping[str, Fetcher],
        max_bytes: int,
        proceed: Callable[[], None],
        *,
        holds_file_objects: bool,
        passes_references: bool,
        limits: LimitsSettings,
        own: OwnFiles,
    ):
        self._own = own
        self._fetchers = fetchers
        self._folders = FolderFetcher(self._find, limits, proceed)
        self._max_bytes = max_bytes
        self._proceed = proceed
        # Folder of a fetched file -> where it came from: what lies beside it there may be asked for.
        self._origins: dict[Path, _Origin] = {}
        self._remote = 0
        self._objects = holds_file_objects
        self._passes_references = passes_references

    def stage(self, execution: Execution, validator: ProcessValidator, workdir: Path) -> Staged:
        """Fetch every reference, and check what was fetched as if it had been given in the request.

        Raises: FetchFailed, InvalidInput, naming the input. Source: /req/core/process-execute-input-validation.
        """
        staged = Staged()
        for name, given in execution.inputs.items():
            entries = []
            staged.bytes_in[name] = 0
            for number, item in enumerate(given.items):
                entry, size = self._stage_item(name, number, item, validator.inputs[name], workdir)
                entries.append(entry)
                staged.bytes_in[name] += size
            staged.inputs[name] = tuple(entries)
        return staged

    def _stage_item(
        self, name: str, number: int, item: Value | Reference, validator: InputValidator, workdir: Path
    ) -> tuple[RunInput, int]:
        if isinstance(item, Reference) and self._passes_references:
            return InputReference(item.href, item.format.media_type), 0
        if isinstance(item, Value):
            return self._stage_value(name, number, item, validator, workdir)
        try:
            if validator.wants_folder(item):
                return self._stage_folder(name, number, item, workdir)
            return self._stage_reference(name, number, item, validator, workdir)
        except FetchFailed as error:
            raise _naming(name, error) from error

    def _stage_value(
        self, name: str, number: int, item: Value, validator: InputValidator, workdir: Path
    ) -> tuple[RunInput, int]:
        """A literal stays a value; a file that was given by value becomes a file."""
        form = validator.choose(item)
        if form.media_type is None or item.data is None:
            value = form.literal(item)
            if self._objects and any(find_locations(value)):
                return self._stage_objects(name, number, value, workdir)
            return InputValue(value), len(value) if isinstance(value, str) else 0
        media_type = item.format.media_type or form.media_type
        if self._passes_references:
            return InputValue(item.data, media_type, item.format.encoding), 0
        content = form.content(item)
        folder = workdir / "inputs" / f"{name}-{number}"
        folder.mkdir(parents=True)
        path = folder / f"{name}{extension_of(media_type)}"
        path.write_bytes(content)
        return InputFile(str(path), media_type), len(content)

    def _stage_objects(self, name: str, number: int, value: object, workdir: Path) -> tuple[RunInput, int]:
        """A value with files in it: each is fetched into a folder of its own. Raises: FetchFailed, naming the input."""
        sizes: list[int] = []

        def place(entry: FileObject) -> str:
            folder = workdir / "inputs" / f"{name}-{number}" / str(len(sizes))
            folder.mkdir(parents=True)
            try:
                path, size = self._fetch_object(entry, folder)
            except FetchFailed as error:
                raise _naming(name, error) from error
            sizes.append(size)
            return path.as_uri()

        return InputValue(relocated(value, place)), sum(sizes)

    def _fetch_object(self, entry: FileObject, folder: Path) -> tuple[Path, int]:
        """What a File or Directory names, in a folder of its own, and its size. Raises: FetchFailed."""
        uri = location_of(entry)
        if entry["class"] == "Directory":
            found = self._folders.fetch(uri, entry.get("mediaType"), folder)
            return found.path, found.size_bytes
        incoming = folder / "incoming"
        fetched = self._fetch(uri, incoming, self._max_bytes)
        file_name = staged_file_name(entry.get("basename") or fetched.name)
        self._origins[folder] = _Origin(uri, file_name)
        return incoming.rename(folder / file_name), fetched.size_bytes

    def fetch_beside(self, path: Path) -> bool:
        """Fetch a file from beside the place that another one came from; False if there is none.

        path: where it belongs, beside the other one.
        """
        origin = self._origins.get(path.parent)
        if origin is None or path.exists():
            return path.exists()
        incoming = path.with_name(".incoming")
        try:
            self._fetch(origin.beside(path.name), incoming, self._max_bytes, origin.headers)
        except FetchFailed:
            incoming.unlink(missing_ok=True)
            return False
        incoming.rename(path)
        return True

    def fetch_remote(self, uri: str, workdir: Path) -> Path:
        """Fetch a file that the package itself names, e.g. as a default; where it is. Raises: FetchFailed."""
        self._remote += 1
        folder = workdir / "inputs" / f"-{self._remote}"  # no input has such a name
        folder.mkdir(parents=True)
        incoming = folder / "incoming"
        fetched = self._fetch(uri, incoming, self._max_bytes)
        self._origins[folder] = _Origin(uri, fetched.name)
        return incoming.rename(folder / fetched.name)

    def _fetch(self, uri: str, target: Path, max_bytes: int, headers: Mapping[str, str] = NO_HEADERS) -> Fetched:
        """Raises: FetchFailed."""
        return self._find(uri).fetch(uri, target, FetchLimits(max_bytes, self._proceed), headers)

    def _find(self, uri: str) -> Fetcher:
        """What fetches an address. Raises: FetchFailed."""
        return self._own if self._own.owns(uri) else find_fetcher(self._fetchers, uri)

    def _stage_folder(self, name: str, number: int, item: Reference, workdir: Path) -> tuple[RunInput, int]:
        folder = workdir / "inputs" / f"{name}-{number}"
        folder.mkdir(parents=True)
        found = self._folders.fetch(item.href, item.format.media_type, folder, dict(item.headers))
        return InputFile(str(found.path), item.format.media_type), found.size_bytes

    def _stage_reference(
        self, name: str, number: int, item: Reference, validator: InputValidator, workdir: Path
    ) -> tuple[RunInput, int]:
        folder = workdir / "inputs" / f"{name}-{number}"
        folder.mkdir(parents=True)
        target = folder / "incoming"
        by_content = validator.by_content and not (self._objects and validator.takes_anything)
        max_bytes = self._max_bytes
        if by_content:
            max_bytes = min(max_bytes, _VALUE_BYTES)
        fetched = self._fetch(item.href, target, max_bytes, dict(item.headers))
        media_type = _media_type(item, fetched.media_type, fetched.name, validator)
        path = target.rename(folder / fetched.name)
        self._origins[folder] = _Origin(item.href, fetched.name, dict(item.headers))
        if by_content:
            value = Value(_read_value(path, media_type, validator))
            _refuse(name, validator.faults(value, f"/inputs/{name}"), validator.description.secret)
            return InputValue(validator.choose(value).literal(value)), fetched.size_bytes
        if validator.wants_json(media_type) and fetched.size_bytes <= _VALUE_BYTES:
            _refuse(name, validator.content_faults(_parse(name, path), media_type, f"/inputs/{name}"))
        return InputFile(str(path), media_type), fetched.size_bytes


def _naming(name: str, error: FetchFailed) -> FetchFailed:
    """The same error with the input that it belongs to."""
    return FetchFailed(f"Input '{name}': {error.detail}", faults=[Fault(f"/inputs/{name}", error.detail)])


def _refuse(name: str, faults: list[Fault], secret: bool = False) -> None:
    """Raises: InvalidInput, if there are faults. secret: they must not show the value."""
    if faults and secret:
        faults = [Fault(faults[0].pointer, "it does not fit the schema; it is a secret, and not shown")]
    if faults:
        raise InvalidInput(f"Input '{name}': the referenced value is not valid: {faults[0].detail}.", faults=faults)


def _parse(name: str, path: Path) -> object:
    try:
        return loads(path.read_bytes())
    except ValueError as error:
        raise InvalidInput(
            f"Input '{name}': the referenced value is not JSON: {error}.",
            faults=[Fault(f"/inputs/{name}", str(error))],
        ) from error


def _read_value(path: Path, media_type: str, validator: InputValidator) -> object:
    """A referenced literal: its JSON value if it is JSON, else its text."""
    text = path.read_bytes()
    wants_text = all(branch.schema.get("type") == "string" for branch in validator.branches)
    if is_json(media_type) or not wants_text:
        try:
            return loads(text)
        except ValueError:
            pass
    return text.decode("utf-8", "replace").strip("\r\n")


def _media_type(item: Reference, served: str | None, name: str, validator: InputValidator) -> str:
    """As the request says; else as the server says, unless that is nothing in particular; else as the name says."""
    if item.format.media_type:
        return item.format.media_type
    guessed = media_type_of(name)
    if served and not is_media_type(served):
        served = None
    if served and essence(served) not in _UNSPECIFIC:
        return served
    known = {essence(media_type): media_type for media_type in validator.media_types}
    if guessed in known:
        return known[guessed]
    return served or guessed
