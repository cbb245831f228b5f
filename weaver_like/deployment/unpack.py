"""`Unpacker`: what a client sent -> CWL files, and the description beside them."""

import base64
from collections.abc import Callable
from dataclasses import dataclass, replace
from urllib.parse import unquote, urlsplit

from weaver_like.deployment.request import (
    CWL_TYPES,
    OGC_TYPES,
    PLAIN_TYPES,
    is_application_package,
    is_description,
    read_json,
)
from weaver_like.deployment.units import Unit, read_package
from weaver_like.domain.errors import Fault, FetchFailed, FetchTooLarge, InvalidPackage, TooLarge
from weaver_like.domain.formats import is_json
from weaver_like.domain.package import DeploymentRequest, PackageFiles, Unpacked


@dataclass(frozen=True)
class Unpacker:
    """parse: name -> base64 of YAML, to name -> document, of those that are any.  fetch: URL -> text; raises FetchFailed.

    folders: images that the operator mapped to local folders.
    """

    parse: Callable[[dict[str, str]], dict[str, object]]
    fetch: Callable[[str], str]
    folders: tuple[str, ...] = ()

    def unpack(self, request: DeploymentRequest) -> Unpacked:
        """Raises: InvalidPackage, TooLarge."""
        documents = self._documents(request)
        packages = [name for name, document in documents.items() if is_application_package(document)]
        descriptions = [
            name for name, document in documents.items() if name not in packages and is_description(document)
        ]
        if len(packages) + len(descriptions) > 1:
            raise InvalidPackage(
                f"Several parts are a process description or an application package, {', '.join([*packages, *descriptions])[:500]}; "
                "one of them is wanted."
            )
        _check_forms(request, documents, packages)
        if packages:
            return self._open(request, packages[0], documents[packages[0]])
        if descriptions:
            if len(request.files.content) == 1:
                raise InvalidPackage(
                    "A process description alone cannot be run; wanted is CWL, or an application package whose executionUnit has it."
                )
            return Unpacked(_without(request, descriptions[0]), documents[descriptions[0]])
        return Unpacked(request.files)

    def _documents(self, request: DeploymentRequest) -> dict[str, object]:
        """What may be something else than CWL, read. Whatever is broken or no document is left to those who need it."""
        alone = len(request.files.content) == 1
        found: dict[str, object] = {}
        unread = {}
        for name, content in request.files.content.items():
            kind = request.kinds.get(name, "")
            if kind in CWL_TYPES or (kind and kind not in (*OGC_TYPES, *PLAIN_TYPES)) or (not kind and not alone):
                continue
            text = base64.b64decode(content)
            if is_json(kind) or text.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] == b"{":
                try:
                    found[name] = read_json(text)
                except InvalidPackage:
                    if kind == OGC_TYPES[0]:
                        raise
            else:
                unread[name] = content
        return found | (self.parse(unread) if unread else {})

    def _open(self, request: DeploymentRequest, name: str, document: dict) -> Unpacked:
        """Puts the execution units of an application package where it was itself."""
        rest = {other: content for other, content in request.files.content.items() if other != name}
        if rest and document.get("executionUnit") is None:
            document = document | {"executionUnit": [{"href": _without(request, name).main}]}
        package = read_package(document, self.folders)
        places, origin = dict(rest), ""
        main = ""
        for unit in package.units:
            place, content, host = self._placed(unit, request, rest, len(package.units) == 1)
            places[place] = content
            if unit is package.main:
                main, origin = place, host
        return Unpacked(PackageFiles(places, main, request.files.wanted, origin), package.description, package.pointer)

    def _placed(
        self, unit: Unit, request: DeploymentRequest, rest: dict[str, str], alone: bool
    ) -> tuple[str, str, str]:
        """Name and content (base64) of a unit, and where it came from."""
        if not unit.href:
            return unit.name, base64.b64encode(unit.content).decode(), ""
        part = request.content_ids.get(unit.href.removeprefix("cid:"), unit.href.removeprefix("./"))
        if part in rest:
            return part, rest[part], ""
        parts, text = self._fetched(unit)
        path = unquote(parts.path).lstrip("/")
        usable = (
            alone
            and path
            and not path.endswith("/")
            and ".." not in path.split("/")
            and "\\" not in path
            and path.isprintable()
            and len(path) <= 200
        )
        return (
            path if usable else unit.name,
            base64.b64encode(text.encode()).decode(),
            f"{parts.scheme}://{parts.netloc}" if usable else "",
        )

    def _fetched(self, unit: Unit) -> tuple:
        place = f"{unit.pointer}/href"
        try:
            if urlsplit(unit.href).scheme not in ("http", "https"):
                raise FetchFailed(f"'{unit.href[:200]}' is neither an http(s) URL nor the name of a part")
            return urlsplit(unit.href), self.fetch(unit.href)
        except FetchTooLarge as error:
            raise TooLarge(error.detail, faults=[Fault(place, error.detail)]) from error
        except (FetchFailed, ValueError) as error:
            detail = error.detail if isinstance(error, FetchFailed) else str(error)
            raise InvalidPackage(
                f"The execution unit could not be fetched: {detail}", faults=[Fault(place, detail)]
            ) from error


def _check_forms(request: DeploymentRequest, documents: dict[str, object], packages: list[str]) -> None:
    """What calls itself an application package must be one. Source: /req/ogcapppkg/body."""
    for name, kind in request.kinds.items():
        if kind in OGC_TYPES and name not in packages:
            if name not in documents:
                raise InvalidPackage(f"'{name}' calls itself {kind}, and is no YAML.")
            raise InvalidPackage(
                "The application package is not valid: /executionUnit: nothing was got; CWL by `value` or `href` is wanted.",
                faults=[Fault("/executionUnit", "this member is required")],
            )


def _without(request: DeploymentRequest, name: str) -> PackageFiles:
    """The files without the description; the first one that is left is where to start from, unless somebody said which."""
    rest = {other: content for other, content in request.files.content.items() if other != name}
    if request.files.main in rest:
        return replace(request.files, content=rest)
    if request.started:
        raise InvalidPackage(
            f"start={name[:100]} is the process description; the CWL document to start from is wanted."
        )
    return replace(request.files, content=rest, main=next(iter(rest)))
