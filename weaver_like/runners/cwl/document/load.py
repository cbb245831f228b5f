"""Documents of a package -> tools that cwltool can run."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from cwltool.context import LoadingContext
from cwltool.load_tool import default_loader, fetch_document, make_tool, resolve_and_validate_document
from cwltool.process import Process, get_schema, shortname
from cwltool.workflow import default_make_tool
from ruamel.yaml.comments import CommentedMap
from schema_salad.exceptions import ValidationException

from weaver_like.runners.cwl.document.documents import Fetch, PackageFetcher
from weaver_like.runners.cwl.document.inline import NamedTypes
from weaver_like.runners.cwl.document.names import share_names
from weaver_like.runners.cwl.document.processes import PROCESS, ServerProcesses
from weaver_like.runners.cwl.document.settle import settle_ports
from weaver_like.runners.cwl.execution.context import PackageContext
from weaver_like.runners.cwl.execution.expressions import use_quickjs
from weaver_like.runners.cwl.execution.process import ProcessTool
from weaver_like.runners.cwl.execution.tool import ConfinedTool
from weaver_like.runners.cwl.execution.workflow import SeenExpressionTool, SeenWorkflow

VERSIONS = ("v1.0", "v1.1", "v1.2")
_Make = Callable[[CommentedMap, LoadingContext], Process]
#: Class of a document -> how its process is made; everything else is cwltool's own.
_MAKERS: dict[str, _Make] = {
    "CommandLineTool": ConfinedTool,
    "ExpressionTool": SeenExpressionTool,
    "Workflow": SeenWorkflow,
    PROCESS: ProcessTool,
}


@dataclass(frozen=True)
class Documents:
    """The documents of one package.

    Args:
        root: folder of the package.
        main: name of the file to start from.
        known: URL -> text of remote documents.
        fetch: brings more of them; None: nothing more is fetched.
        processes: of the server, which steps may run.
    """

    root: Path
    main: str
    processes: ServerProcesses
    known: dict[str, str] = field(default_factory=dict)
    fetch: Fetch | None = None

    @property
    def uri(self) -> str:
        return (self.root / self.main).as_uri()


def warm() -> None:
    """Read the schemas of CWL, once for each OS process: it takes longer than any job."""
    use_quickjs()
    for version in VERSIONS:
        get_schema(version)


def load(documents: Documents, fragment: str, validate: bool) -> Process:
    """The tool of a document, or of one entry of its `$graph`.

    fragment: name of the entry; empty: the whole document, or its `main`.
    Raises: what cwltool raises for a document that is not right.
    """
    context = loading_context(documents, validate)
    uri = f"{documents.uri}#{fragment}" if fragment else documents.uri
    context, workflow, uri = fetch_document(uri, context)
    context, uri = resolve_and_validate_document(context, workflow, uri)
    return make_tool(uri, context)


def loading_context(documents: Documents, validate: bool) -> LoadingContext:
    """How cwltool reads the documents of a package, and makes tools of them."""

    def fetcher(_cache: object, _session: object) -> PackageFetcher:
        return PackageFetcher(documents.root, documents.known, documents.fetch, documents.processes)

    return PackageContext(
        {
            "fetcher_constructor": fetcher,
            "loader": default_loader(fetcher),
            "construct_tool_object": _Maker(),
            "do_validate": validate,
            "disable_js_validation": True,
            "relax_path_checks": True,
            "strict": True,
        },
        documents.processes,
    )


class _Maker:
    """Makes the tools of one package.

    A document that is a step of itself is refused at once: cwltool would go as deep as Python lets it.
    """

    def __init__(self) -> None:
        self._making: set[str] = set()
        self._types = NamedTypes()

    def __call__(self, document: CommentedMap, context: LoadingContext) -> Process:
        name = str(document.get("id") or "") if isinstance(document, dict) else ""
        if name and name in self._making:
            raise ValidationException(f"'{shortname(name)}' refers to itself: it is a step of its own.")
        self._making.add(name)
        try:
            if isinstance(document, dict):
                self._types.write_in_place(document)
                settle_ports(document)
            return _construct(document, context)
        finally:
            self._making.discard(name)


def _construct(document: CommentedMap, context: LoadingContext) -> Process:
    """Tools run their commands as we do it, and steps are seen."""
    make: _Make = default_make_tool
    if isinstance(document, dict):
        make = _MAKERS.get(document.get("class"), default_make_tool)
    process = make(document, context)
    share_names(process)
    return process
