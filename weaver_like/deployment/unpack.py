"""`Unpacker`: what a client sent -> the files of a package, who reads them, and the description beside them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import SplitResult, unquote, urlsplit

from weaver_like.deployment.documents import (
    OGC_JSON,
    OGC_TYPES,
    PLAIN_TYPES,
    Description,
    is_application_package,
    is_description,
    looks_like_object,
    read_json,
)
from weaver_like.deployment.reader import Fetch, PackageReader, Readers
from weaver_like.deployment.units import Unit, read_package
from weaver_like.domain.errors import Fault, FetchFailed, FetchTooLarge, InvalidPackage, TooLarge
from weaver_like.domain.formats import is_json
from weaver_like.domain.package import DeploymentRequest, PackageFiles
from weaver_like.schemas.jsontext import JsonObject

#: YAML or JSON by name -> plain values by name; what is neither is left out.
Parse = Callable[[Mapping[str, bytes]], dict[str, Any]]
_LONGEST_PATH = 200


@dataclass(frozen=True, slots=True)
class Unpacked:
    """A package ready to be read. warnings: for its author."""

    reader: PackageReader
    files: PackageFiles
    description: Description = Description()
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Placed:
    """A unit as a file of the package. origin: as in `PackageFiles`."""

    name: str
    content: bytes
    origin: str = ""


@dataclass(frozen=True, slots=True)
class Unpacker:
    """image_folders: image -> local folder, of those that the operator mapped."""

    readers: Readers
    parse: Parse
    fetch: Fetch
    image_folders: Mapping[str, str] = field(default_factory=dict)

    def unpack(self, request: DeploymentRequest) -> Unpacked:
        """Raises: InvalidPackage, TooLarge."""
        documents = self._documents(request)
        packages = [name for name, document in documents.items() if is_application_package(document)]
        descriptions = [
            name for name, document in documents.items() if name not in packages and is_description(document)
        ]
        if len(packages) + len(descriptions) > 1:
            names = ", ".join([*packages, *descriptions])
            raise InvalidPackage(
                f"Expected one process description or application package, got several: {names[:500]}."
            )
        _check_kinds(request, documents, packages)
        if packages:
            return self._open(request, packages[0], documents[packages[0]])
        if descriptions:
            return self._described(request, descriptions[0], documents)
        return Unpacked(self._reader(request, request.files, documents), request.files)

    def _documents(self, request: DeploymentRequest) -> dict[str, Any]:
        """What may be of any kind, parsed. What is broken or no document is left to those who need it."""
        alone = len(request.files.content) == 1
        found: dict[str, Any] = {}
        unread: dict[str, bytes] = {}
        for name, content in request.files.content.items():
            kind = request.kinds.get(name, "")
            may_be_any = kind in (*OGC_TYPES, *PLAIN_TYPES) if kind else alone
            if not may_be_any:
                continue
            if not is_json(kind) and not looks_like_object(content):
                unread[name] = content
                continue
            try:
                found[name] = read_json(content)
            except InvalidPackage:
                if kind == OGC_JSON:
                    raise
        if unread:
            found |= self.parse(unread)
        return found

    def _reader(self, request: DeploymentRequest, files: PackageFiles, documents: dict[str, Any]) -> PackageReader:
        return self.readers.choose(request.kinds.get(files.main, ""), documents.get(files.main))

    def _described(self, request: DeploymentRequest, name: str, documents: dict[str, Any]) -> Unpacked:
        if len(request.files.content) == 1:
            raise InvalidPackage(
                "A process description alone cannot be run; expected a document to run, such as CWL, "
                "or an application package with an executionUnit."
            )
        files = _without(request, name)
        return Unpacked(self._reader(request, files, documents), files, Description(documents[name]))

    def _open(self, request: DeploymentRequest, name: str, document: JsonObject) -> Unpacked:
        """Put the execution units of an application package where it was itself."""
        rest = {other: content for other, content in request.files.content.items() if other != name}
        if rest and document.get("executionUnit") is None:
            document = document | {"executionUnit": [{"href": _without(request, name).main}]}
        package = read_package(document, self.readers, self.image_folders)
        alone = len(package.units) == 1
        placed = [(unit, self._place(unit, request, rest, alone)) for unit in package.units]
        main = next(file for unit, file in placed if unit is package.main)
        content = rest | {file.name: file.content for _, file in placed}
        wanted = request.files.wanted or ((package.main.entry,) if package.main.entry else ())
        files = replace(request.files, content=content, main=main.name, wanted=wanted, origin=main.origin)
        reader = self.readers.find(request.kinds.get(main.name, "")) or package.main.reader
        return Unpacked(reader, files, package.description, package.warnings)

    def _place(self, unit: Unit, request: DeploymentRequest, rest: dict[str, bytes], alone: bool) -> _Placed:
        """rest: the other files that were sent.  alone: there is no other unit."""
        if not unit.href:
            return _Placed(unit.name, unit.content)
        part = request.content_ids.get(unit.href.removeprefix("cid:"), unit.href.removeprefix("./"))
        if part in rest:
            return _Placed(part, rest[part])
        url, text = self._fetched(unit)
        path = unquote(url.path).lstrip("/")
        if alone and _is_usable(path):  # so that its relative references lead to where it came from
            return _Placed(path, text.encode(), f"{url.scheme}://{url.netloc}")
        return _Placed(unit.name, text.encode())

    def _fetched(self, unit: Unit) -> tuple[SplitResult, str]:
        pointer = f"{unit.pointer}/href"
        try:
            url = urlsplit(unit.href)
            if url.scheme not in ("http", "https"):
                raise FetchFailed(f"'{unit.href[:200]}' is neither an http(s) URL nor the name of a part")
            return url, self.fetch(unit.href)
        except FetchTooLarge as error:
            raise TooLarge(error.detail, faults=[Fault(pointer, error.detail)]) from error
        except (FetchFailed, ValueError) as error:
            detail = error.detail if isinstance(error, FetchFailed) else str(error)
            raise InvalidPackage(
                f"The execution unit could not be fetched: {detail}", faults=[Fault(pointer, detail)]
            ) from error


def _is_usable(path: str) -> bool:
    """Whether the path of a URL can be the name of a file in the package."""
    if not path or path.endswith("/") or len(path) > _LONGEST_PATH:
        return False
    return ".." not in path.split("/") and "\\" not in path and path.isprintable()


def _check_kinds(request: DeploymentRequest, documents: dict[str, Any], packages: list[str]) -> None:
    """What calls itself an application package must be one. Source: /req/ogcapppkg/body."""
    for name, kind in request.kinds.items():
        if kind not in OGC_TYPES or name in packages:
            continue
        if name not in documents:
            raise InvalidPackage(f"'{name}' has the type {kind}, but is not YAML.")
        raise InvalidPackage(
            "The application package is not valid: /executionUnit: expected an execution unit with `value` or `href`, "
            "got none.",
            faults=[Fault("/executionUnit", "this member is required")],
        )


def _without(request: DeploymentRequest, name: str) -> PackageFiles:
    """The files without the description; the first one left is where to start from, unless the client said which."""
    rest = {other: content for other, content in request.files.content.items() if other != name}
    if request.files.main in rest:
        return replace(request.files, content=rest)
    if request.start_given:
        raise InvalidPackage(f"start={name[:100]} is the process description; expected the document to start from.")
    return replace(request.files, content=rest, main=next(iter(rest)))
