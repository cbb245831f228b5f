"""The body of a deployment -> `DeploymentRequest`."""

from dataclasses import dataclass

from weaver_like.deployment.documents import MULTIPART_TYPES, OGC_TYPES, PLAIN_TYPES
from weaver_like.deployment.multipart import parameters_of, split_parts
from weaver_like.deployment.reader import Readers
from weaver_like.domain.errors import InvalidPackage, TooLarge, UnsupportedPackage
from weaver_like.domain.formats import essence
from weaver_like.domain.package import DeploymentRequest, Package, PackageFiles

_LONGEST_TYPE = 300
_CHARSETS = ("utf-8", "utf8", "us-ascii")


@dataclass(frozen=True, slots=True)
class DeploymentOptions:
    """What a client says beside the body; None and an empty `wanted` leave it to the package.

    Args:
        start: name of the file to start from.
        wanted: names of the processes to deploy, of a document that holds several; "*": all. Source:
        /req/cwl/deploy-w-param.
        server: URL of this server, as the client reached it.
    """

    process_id: str | None = None
    version: str | None = None
    start: str | None = None
    wanted: tuple[str, ...] = ()
    server: str = ""


@dataclass(frozen=True, slots=True)
class RequestReader:
    """Takes bodies apart into files. most_bytes: of a body (limits.package_bytes)."""

    readers: Readers
    most_bytes: int

    @property
    def media_types(self) -> tuple[str, ...]:
        """Every Content-Type that a body may have."""
        return (*self.readers.media_types, *OGC_TYPES, *PLAIN_TYPES, *MULTIPART_TYPES)

    def read(self, body: bytes, content_type: str, options: DeploymentOptions) -> DeploymentRequest:
        """content_type: with its parameters; empty: the client did not say.

        Raises: UnsupportedPackage, TooLarge, InvalidPackage.
        """
        kind = essence(content_type)
        self._check_type(kind, content_type)
        if len(body) > self.most_bytes:
            raise TooLarge(
                f"The package has {len(body)} bytes; at most {self.most_bytes} are allowed (limits.package_bytes)."
            )
        reader = self.readers.choose(kind)
        if not body.strip():
            raise InvalidPackage(
                f"The body is empty; expected an application package, e.g. as {reader.media_types[0]}."
            )
        package = Package(content_type or reader.media_types[0], body)
        if kind in MULTIPART_TYPES:
            return _read_parts(package, options)
        return _read_document(package, kind, f"main{reader.extension}", options)

    def _check_type(self, kind: str, content_type: str) -> None:
        if len(content_type) > _LONGEST_TYPE or not content_type.isascii():
            raise UnsupportedPackage(f"Content-Type is longer than {_LONGEST_TYPE} characters, or not ASCII.")
        if content_type.strip() and kind not in self.media_types:
            raise UnsupportedPackage(f"Expected one of {', '.join(self.media_types)}, got Content-Type '{kind[:100]}'.")
        if kind in MULTIPART_TYPES:
            return  # each part has its own
        charset = parameters_of(content_type).get("charset", "utf-8")
        if charset.lower() not in _CHARSETS:
            raise UnsupportedPackage(f"Expected the charset utf-8, got '{charset[:40]}'.")


def _read_document(package: Package, kind: str, name: str, options: DeploymentOptions) -> DeploymentRequest:
    if options.start not in (None, name):
        raise InvalidPackage(f"start={options.start[:100]} names a file, but the package is a single document.")
    files = PackageFiles({name: package.content}, name, options.wanted, server=options.server)
    return DeploymentRequest(package, files, options.process_id, options.version, {name: kind})


def _read_parts(package: Package, options: DeploymentOptions) -> DeploymentRequest:
    """Source: RFC 2387 section 3.2: `start` is the Content-ID of the root, which is the first part otherwise."""
    parts = split_parts(package.content, package.media_type)
    start = options.start or parameters_of(package.media_type).get("start", "").strip("<>")
    root = parts[0]
    if start:
        found = next((part for part in parts if start in (part.name, part.content_id)), None)
        if found is None:
            names = ", ".join(part.name for part in parts)
            raise InvalidPackage(f"start={start[:100]} is not among the files of the package: {names[:500]}.")
        root = found
    return DeploymentRequest(
        package,
        PackageFiles({part.name: part.content for part in parts}, root.name, options.wanted, server=options.server),
        options.process_id,
        options.version,
        kinds={part.name: part.kind for part in parts},
        start_given=bool(start),
        content_ids={part.content_id: part.name for part in parts if part.content_id},
    )
