"""Bringing the inputs of a job into its work folder."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote, urljoin, urlsplit

from weaver_like.domain.errors import Fault, FetchFailed, InvalidInput
from weaver_like.domain.execution import Execution
from weaver_like.domain.fileobjects import find_locations, location_of, relocated
from weaver_like.domain.formats import essence, is_json, is_media_type, media_type_of
from weaver_like.domain.ids import safe_file_name
from weaver_like.domain.masks import shown
from weaver_like.domain.values import Reference, Value
from weaver_like.fetchers.base import Fetcher, FetchLimits
from weaver_like.schemas.jsontext import loads
from weaver_like.schemas.validators import InputValidator, ProcessValidator

#: A referenced value that is no file (a number, a text) is read whole; more than this is no such value.
_VALUE_BYTES = 10 * 2**20
_UNTOLD = ("application/octet-stream", "text/plain", "binary/octet-stream")


@dataclass(slots=True)
class Staged:
    """inputs: id -> occurrences as the job's child gets them.  bytes_in: id -> bytes fetched or given."""

    inputs: dict[str, list[dict]] = field(default_factory=dict)
    bytes_in: dict[str, int] = field(default_factory=dict)


def find_fetcher(fetchers: Mapping[str, Fetcher], uri: str) -> Fetcher:
    """The fetcher of a URI's scheme. Raises: FetchFailed."""
    try:
        scheme = urlsplit(uri).scheme.lower()
    except ValueError as error:
        raise FetchFailed(f"'{shown(uri)}' is no URI: {error}.") from error
    fetcher = fetchers.get(scheme)
    if fetcher is None:
        raise FetchFailed(f"The scheme of '{shown(uri)}' is '{scheme}'; {', '.join(fetchers)} are known.")
    return fetcher


class Stager:
    """Stages the inputs of one job."""

    def __init__(self, fetchers: Mapping[str, Fetcher], max_bytes: int, proceed: Callable[[], None]):
        self._fetchers = fetchers
        self._max_bytes = max_bytes
        self._proceed = proceed
        # Folder of a fetched file -> where it came from: what lies beside it there may be asked for.
        self._origins: dict[Path, str] = {}
        self._objects = False

    def stage(self, execution: Execution, validator: ProcessValidator, workdir: Path) -> Staged:
        """Fetch every reference, and check what was fetched as if it had been given in the request.

        Raises: FetchFailed, InvalidInput, naming the input. Source: /req/core/process-execute-input-validation.
        """
        staged = Staged()
        self._objects = validator.process.unit.holds_files
        for name, given in execution.inputs.items():
            staged.inputs[name], staged.bytes_in[name] = [], 0
            for number, item in enumerate(given.items):
                entry, size = self._stage_item(name, number, item, validator.inputs[name], workdir)
                staged.inputs[name].append(entry)
                staged.bytes_in[name] += size
        return staged

    def _stage_item(
        self, name: str, number: int, item: Value | Reference, validator: InputValidator, workdir: Path
    ) -> tuple[dict, int]:
        if isinstance(item, Value):
            if self._objects and any(find_locations(item.data)):
                return self._stage_objects(name, number, item, workdir)
            told = {"mediaType": item.format.media_type, "encoding": item.format.encoding}
            size = len(item.data) if isinstance(item.data, str) else 0
            return {"value": item.data} | {key: value for key, value in told.items() if value}, size
        try:
            return self._fetch(name, number, item, validator, workdir)
        except FetchFailed as error:
            raise FetchFailed(
                f"Input '{name}': {error.detail}", faults=[Fault(f"/inputs/{name}", error.detail)]
            ) from error

    def _stage_objects(self, name: str, number: int, item: Value, workdir: Path) -> tuple[dict, int]:
        """A value with files in it: each is fetched into a folder of its own. Raises: FetchFailed, naming the input."""
        sizes = []

        def place(entry: dict) -> str:
            folder = workdir / "inputs" / f"{name}-{number}" / str(len(sizes))
            folder.mkdir(parents=True)
            uri = location_of(entry)
            try:
                fetched = find_fetcher(self._fetchers, uri).fetch(
                    uri, folder / "incoming", FetchLimits(self._max_bytes, self._proceed)
                )
            except FetchFailed as error:
                raise FetchFailed(
                    f"Input '{name}': {error.detail}", faults=[Fault(f"/inputs/{name}", error.detail)]
                ) from error
            self._origins[folder] = uri
            sizes.append(fetched.size_bytes)
            return (folder / "incoming").rename(folder / safe_file_name(entry.get("basename") or fetched.name)).as_uri()

        return {"value": relocated(item.data, place)}, sum(sizes)

    def fetch_beside(self, path: Path) -> bool:
        """Bring what lies beside a fetched file at the place that it came from; False if there is none. Raises: FetchFailed for what is too large."""
        origin = self._origins.get(path.parent)
        if origin is None or path.exists():
            return path.exists()
        uri = urljoin(origin.partition("?")[0], quote(path.name))
        incoming = path.with_name(".incoming")
        try:
            find_fetcher(self._fetchers, uri).fetch(uri, incoming, FetchLimits(self._max_bytes, self._proceed))
        except FetchFailed:
            incoming.unlink(missing_ok=True)
            return False
        incoming.rename(path)
        return True

    def _fetch(
        self, name: str, number: int, item: Reference, validator: InputValidator, workdir: Path
    ) -> tuple[dict, int]:
        folder = workdir / "inputs" / f"{name}-{number}"
        folder.mkdir(parents=True)
        target = folder / "incoming"
        limit = min(self._max_bytes, _VALUE_BYTES) if validator.by_content else self._max_bytes
        fetched = find_fetcher(self._fetchers, item.href).fetch(item.href, target, FetchLimits(limit, self._proceed))
        media_type = _media_type(item, fetched.media_type, fetched.name, validator)
        path = target.rename(folder / fetched.name)
        self._origins[folder] = item.href
        if validator.by_content:
            value = _read_value(path, media_type, validator)
            self._check(name, Value(value), validator)
            return {"value": value}, fetched.size_bytes
        if is_json(media_type) and fetched.size_bytes <= _VALUE_BYTES:
            self._check(name, Value(_parse(name, path), item.format), validator)
        return {"path": str(path), "mediaType": media_type}, fetched.size_bytes

    def _check(self, name: str, value: Value, validator: InputValidator) -> None:
        faults = validator.faults(value, f"/inputs/{name}")
        if faults:
            raise InvalidInput(
                f"Input '{name}': what the reference holds is not valid: {faults[0].detail}.", faults=faults
            )


def _parse(name: str, path: Path) -> object:
    try:
        return loads(path.read_bytes())
    except ValueError as error:
        raise InvalidInput(
            f"Input '{name}': what the reference holds is not JSON: {error}.",
            faults=[Fault(f"/inputs/{name}", str(error))],
        ) from error


def _read_value(path: Path, media_type: str, validator: InputValidator) -> object:
    """A referenced literal: JSON where it is JSON, else its text."""
    text = path.read_bytes()
    wants_text = all(branch.schema.get("type") == "string" for branch in validator.branches)
    if is_json(media_type) or not wants_text:
        try:
            return loads(text)
        except ValueError:
            pass
    return text.decode("utf-8", "replace").strip("\r\n")


def _media_type(item: Reference, served: str | None, name: str, validator: InputValidator) -> str:
    """What the request says, else what the server says (unless it says nothing in particular), else what the name says."""
    if item.format.media_type:
        return item.format.media_type
    guessed = media_type_of(name)
    if served and not is_media_type(served):
        served = None
    if served and essence(served) not in _UNTOLD:
        return served
    known = {essence(media_type): media_type for media_type in validator.media_types}
    if guessed in known:
        return known[guessed]
    return served or guessed
