"""Bodies that deploy processes, taken apart; and what the reader of a package found -> `Process`."""

import base64
import hashlib
import re
from collections.abc import Mapping

from weaver_like.deployment.multipart import parameters_of, split_parts
from weaver_like.domain.errors import Fault, InvalidPackage, TooLarge, UnsupportedPackage
from weaver_like.domain.formats import essence
from weaver_like.domain.ids import is_process_id
from weaver_like.domain.package import DeploymentRequest, Package, PackageFiles
from weaver_like.domain.process import ExecutionUnit, InputDescription, OutputDescription, Process
from weaver_like.schemas.jsontext import check_depth, dumps, loads

#: CWL as JSON or YAML. Source: /req/cwl/body; the other names are in use elsewhere.
CWL_JSON = "application/cwl+json"
CWL_TYPES = ("application/cwl", CWL_JSON, "application/cwl+yaml", "application/x-cwl")
#: Source: /req/ogcapppkg/body.
OGC_TYPES = ("application/ogcapppkg+json", "application/ogcapppkg+yaml")
_YAML_TYPES = ("application/yaml", "application/x-yaml", "text/yaml", "text/x-yaml")
#: Either of the two: the text shows which.
PLAIN_TYPES = ("application/json", *_YAML_TYPES)
MULTIPART_TYPES = ("multipart/related", "multipart/mixed", "multipart/form-data")
PACKAGE_TYPES = (*CWL_TYPES, *OGC_TYPES, *PLAIN_TYPES, *MULTIPART_TYPES)
_VERSION = re.compile(r"[A-Za-z0-9._-]{1,64}\Z")
#: Packages up to this many characters are kept ready by workers.
_SMALL = 256 * 2**10
_BOM = b"\xef\xbb\xbf"


def read_request(body: bytes, content_type: str, query: Mapping[str, object], most_bytes: int) -> DeploymentRequest:
    """The body of a deployment as files. Raises: UnsupportedPackage, TooLarge, InvalidPackage."""
    kind = _kind(content_type)
    if len(body) > most_bytes:
        raise TooLarge(f"The package has {len(body)} bytes; at most {most_bytes} are taken (limits.package_bytes).")
    if not body.strip():
        raise InvalidPackage("The body is empty; an application package is wanted, e.g. CWL as application/cwl.")
    package = Package(content_type or "application/cwl", body)
    if kind in MULTIPART_TYPES:
        return _read_parts(package, query)
    files = PackageFiles({"main.cwl": _encoded(body)}, "main.cwl", tuple(query["w"]))
    if query["start"] not in (None, files.main):
        raise InvalidPackage(
            f"start={query['start'][:100]} was given; a package of one document has no other to start from."
        )
    return DeploymentRequest(package, files, query["id"], query["version"], {files.main: kind})


def _kind(content_type: str) -> str:
    kind = essence(content_type)
    if len(content_type) > 300 or not content_type.isascii():
        raise UnsupportedPackage("Content-Type is longer than 300 characters, or not ASCII.")
    if content_type.strip() and kind not in PACKAGE_TYPES:
        raise UnsupportedPackage(f"Content-Type '{kind[:100]}' was got; one of {', '.join(PACKAGE_TYPES)} is wanted.")
    charset = parameters_of(content_type).get("charset", "utf-8") if kind not in MULTIPART_TYPES else "utf-8"
    if str(charset).lower() not in ("utf-8", "utf8", "us-ascii"):
        raise UnsupportedPackage(f"The charset '{str(charset)[:40]}' was got; utf-8 is wanted.")
    return kind


def _read_parts(package: Package, query: Mapping[str, object]) -> DeploymentRequest:
    """Source: RFC 2387 section 3.2: `start` is the Content-ID of the root, which is the first part otherwise."""
    parts = split_parts(package.content, package.media_type)
    wanted = query["start"] or str(parameters_of(package.media_type).get("start", "")).strip("<>")
    root = next((part for part in parts if wanted in (part.name, part.content_id)), None) if wanted else parts[0]
    if root is None:
        raise InvalidPackage(
            f"start={wanted[:100]} is not among the files of the package: {', '.join(part.name for part in parts)[:500]}."
        )
    files = PackageFiles({part.name: _encoded(part.content) for part in parts}, root.name, tuple(query["w"]))
    ids = {part.content_id: part.name for part in parts if part.content_id}
    return DeploymentRequest(
        package, files, query["id"], query["version"], {part.name: part.kind for part in parts}, bool(wanted), ids
    )


def _encoded(content: bytes) -> str:
    """base64 of a file. YAML forbids the tabs that JSON may be indented with: they become blanks, so that every position stays the same."""
    if content.removeprefix(_BOM).lstrip()[:1] in (b"{", b"[") and b"\t" in content:
        try:
            loads(content.removeprefix(_BOM))
            content = content.replace(b"\t", b" ")  # inside of a text of JSON there is none
        except ValueError:
            pass
    return base64.b64encode(content).decode()


def read_json(content: bytes, what: str = "The body") -> object:
    """Raises: InvalidPackage, with line and column."""
    try:
        value = loads(content.removeprefix(_BOM))
        check_depth(content, value)
        return value
    except (ValueError, RecursionError) as error:
        raise InvalidPackage(f"{what} is not JSON: {error}.", faults=[Fault("", str(error))]) from error


def is_application_package(document: object) -> bool:
    """True for an OGC application package: a description and execution units."""
    return (
        isinstance(document, dict)
        and not document.keys() & {"cwlVersion", "$graph"}
        and bool(document.keys() & {"executionUnit", "processDescription"})
    )


def is_description(document: object) -> bool:
    """True for an OGC process description that stands alone."""
    if not isinstance(document, dict) or document.keys() & {"cwlVersion", "$graph", "class", "executionUnit"}:
        return False
    return isinstance(document.get("id"), str) and any(
        isinstance(document.get(name), (dict, list)) for name in ("inputs", "outputs", "jobControlOptions")
    )


def to_process(entry: dict, remote: dict[str, str], files: PackageFiles, process_id: str | None) -> Process:
    """entry: one of `processes` as the reader gives it.  files: the package, which runs are made of.  process_id: None: the package's own."""
    target = {"files": files.content, "remote": remote, "main": files.main, "fragment": entry["fragment"]}
    if sum(map(len, (*files.content.values(), *remote.values()))) <= _SMALL:
        target["digest"] = hashlib.sha256(dumps(target)).hexdigest()
    return Process(
        process_id or entry["name"],
        entry["version"],
        ExecutionUnit("cwl", target),
        entry["title"],
        entry["description"],
        inputs={name: InputDescription(name, **fields) for name, fields in entry["inputs"].items()},
        outputs={name: OutputDescription(name, **fields) for name, fields in entry["outputs"].items()},
        mutable=True,
    )


def check_names(process: Process) -> None:
    """Raises: InvalidPackage, if the id or the version of a process cannot stand in a URL."""
    if not process.id:
        raise InvalidPackage(
            "The package has no id; the document can say one, or a description beside it, or the query parameter `id`.",
            faults=[Fault("/id", "this member is required")],
        )
    if not is_process_id(process.id):
        raise InvalidPackage(
            f"The id of the process is '{process.id[:200]}'; 1 to 128 letters, digits, '.', '_' or '-' are wanted, "
            "the first one a letter or digit. It is the id of the document, or the query parameter `id`."
        )
    if process.version and not _VERSION.match(process.version):
        raise InvalidPackage(
            f"The version of the process is '{process.version[:100]}'; 1 to 64 letters, digits, '.', '_' or '-' are wanted."
        )


def check_images(process_id: str, images: list[str], options: dict) -> None:
    """Raises: InvalidPackage, if a tool cannot run without a container that nobody here can start."""
    if {"*", process_id} & set(options["engine_processes"]):
        return  # the other engine has its own containers
    missing = [image for image in images if image not in options["confinement"]["images"]]
    if missing and not options["containers_answer"]():
        raise InvalidPackage(
            f"The package requires containers of {', '.join(missing)[:500]}, and no container engine answers here. "
            "Make DockerRequirement a hint, or ask the operator to map the image to a local folder (sandbox.images)."
        )
