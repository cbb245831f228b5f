"""Inspects packages in a child, where a hostile one does no harm: checks, descriptions, what they refer to."""

import base64
import json
import logging
import os
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote, unquote, urlsplit

from cwltool.errors import GraphTargetMissingException, UnsupportedRequirement, WorkflowException
from cwltool.process import Process
from ruamel.yaml.error import YAMLError
from schema_salad.exceptions import SchemaSaladException, ValidationException

from weaver_like.domain.inspection import InspectedProcess, Inspection, Refusal
from weaver_like.domain.messages import (
    DescribeProcess,
    DocumentFetched,
    FetchDocument,
    Inspected,
    ProcessDescribed,
    RequestRefused,
)
from weaver_like.runners.answers import ChildWire
from weaver_like.runners.base import ChildRun
from weaver_like.runners.cwl.data.paths import confine
from weaver_like.runners.cwl.document.describe import describe_inputs, describe_outputs, text_of
from weaver_like.runners.cwl.document.documents import decoded, write_package
from weaver_like.runners.cwl.document.entries import chosen_entries, name_of
from weaver_like.runners.cwl.document.images import images_of
from weaver_like.runners.cwl.document.load import Documents, load, warm
from weaver_like.runners.cwl.document.metadata import Metadata, metadata_of
from weaver_like.runners.cwl.document.parse import parse_document, plain
from weaver_like.runners.cwl.document.processes import ServerProcesses
from weaver_like.runners.cwl.document.refusals import Refused, faults_of, sentence, without_libraries
from weaver_like.runners.cwl.document.secrets import marked_secret, secret_inputs
from weaver_like.runners.cwl.document.warnings import warnings_of
from weaver_like.runners.cwl.types import Document
from weaver_like.sandbox.messages import ChildRequest, InspectPackage, ParseTexts
from weaver_like.schemas.inspection import render_inspection

warm()
_MOST_FETCHED = 100
_MOST_WARNINGS = 50
#: What cwltool raises for documents that are not right: in its own words, and without meaning to.
_FAULTS = (SchemaSaladException, WorkflowException, UnsupportedRequirement, GraphTargetMissingException, YAMLError)
#: A path that a message has cut off within.
_CUT_SHORT = re.compile(r"(?:file://)?/[^\s'\"]*\[\.\.\.\]")
_OTHER_FAULTS = (KeyError, TypeError, AttributeError, ValueError, AssertionError, IndexError)
_Port = TypeVar("_Port")


class ParsingRun(ChildRun[ParseTexts]):
    """The parsing of some texts. Gives {"documents": name -> value}."""

    def run(self) -> Inspected:
        return Inspected({"documents": dict(_readable(self.task.texts))})


class InspectionRun(ChildRun[InspectPackage]):
    """One inspection. Gives what `schemas.inspection` renders."""

    def run(self) -> Inspected:
        self._package = Path(self.request.workdir).resolve() / "package"
        self._fetched: dict[str, str] = {}
        self._prefixes: dict[str, str] = {}
        self._asked = 0
        try:
            return Inspected(_checked(render_inspection(self._inspect())))
        except Refused as error:
            refusal = Refusal(error.detail, error.faults, error.missing_process)
        except _FAULTS as error:
            faults = faults_of(self._named(str(error)))
            detail = sentence(faults) if faults else "The document is not valid CWL."
            refusal = Refusal(detail, faults)
        except RecursionError:
            refusal = Refusal("The package refers to itself, or is nested too deeply.")
        except _OTHER_FAULTS as error:
            refusal = Refusal(f"The document does not have the form of CWL{self._reason(error)}.")
        return Inspected(render_inspection(refusal))

    def _inspect(self) -> Inspection:
        """Raises: Refused, and what cwltool raises for a document that is not right."""
        said = _Warnings()
        write_package(decoded(self.task.files), self._package)
        os.chdir(self._package)  # so that messages name files as the package does
        confine((self._package,))
        main = self.task.main
        offered = ServerProcesses(self._package, describe=self._describe, server=self.task.server)
        documents = Documents(self._package, main, offered, {}, self._fetch)
        document = parse_document(self._package / main, main)
        entries = chosen_entries(document, list(self.task.wanted), main)
        self._prefixes = _namespaces(document)
        processes, found = [], []
        for name, entry in entries.items():
            tool = load(documents, name, validate=True)
            _check_runnable(tool)
            processes.append(_described(tool, name, entry, metadata_of(document, entry)))
            found += warnings_of(tool)
        texts = [sentence(faults_of(self._named(text))) for text in said.about(offered.known)]
        return Inspection(
            tuple(processes),
            self._fetched,
            documents.known,
            (*texts, *dict.fromkeys(found)),
            offered.known,
            tuple(sorted(offered.runs)),
        )

    def _describe(self, reference: str) -> ProcessDescribed | None:
        """Raises: Refused, if there are too many."""
        self._count()
        answer = self.ask(DescribeProcess(reference))
        return answer if isinstance(answer, ProcessDescribed) else None

    def _fetch(self, url: str) -> str:
        """A remote document; or a file that the package lacks, if its main document came from where that may be."""
        if not url.startswith("file:"):
            return self._ask_for(url)
        name = Path(unquote(urlsplit(url).path)).relative_to(self._package).as_posix()
        if not self.task.origin:
            raise ValidationException(f"The package has no file '{name}'; send all files that it refers to with it.")
        text = self._ask_for(f"{self.task.origin}/{quote(name)}")
        self._fetched[name] = base64.b64encode(text.encode()).decode()
        write_package({name: text.encode()}, self._package)
        return text

    def _count(self) -> None:
        self._asked += 1
        if self._asked > _MOST_FETCHED:
            raise Refused(f"The package refers to more than {_MOST_FETCHED} documents elsewhere.")

    def _ask_for(self, url: str) -> str:
        self._count()
        answer = self.ask(FetchDocument(url))
        if isinstance(answer, DocumentFetched):
            return answer.text
        reason = answer.reason if isinstance(answer, RequestRefused) else f"'{url}' could not be fetched."
        raise ValidationException(reason)

    def _reason(self, error: Exception) -> str:
        """What an error says that cwltool did not mean to raise, if it is about the document."""
        if isinstance(error, KeyError):
            return f": there is no {without_libraries(self._named(str(error)))[:100]}"
        if isinstance(error, ValueError):
            return f": {without_libraries(self._named(str(error)))[:300].rstrip('.')}"
        return ""

    def _named(self, text: str) -> str:
        """Names as the package writes them: of files without the folder that they lie in for a moment, of classes with
        their prefix."""
        text = _CUT_SHORT.sub("[...]", text)
        dotted = ".".join(self._package.parts[1:])  # as names of types are spelt
        prefixes = (self._package.as_uri(), str(self._package))
        for prefix in (*(f"{prefix}/" for prefix in prefixes), *prefixes, f"{dotted}.", dotted):
            text = text.replace(prefix, "")
        # `../x` was written, and became a place of this machine.
        for level, folder in enumerate(list(self._package.parents)[:-1], 1):
            text = text.replace(f"{folder.as_uri()}/", "../" * level)
        for prefix, uri in self._prefixes.items():
            text = text.replace(f"'{uri}", f"'{prefix}:")
        return text[:100_000]


class _Warnings(logging.Handler):
    """What cwltool warns of, e.g. hints that it does not know."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.texts: list[str] = []
        for name in ("cwltool", "salad", "cwltool.process"):
            logger = logging.getLogger(name)
            logger.handlers = [self]
            logger.propagate = False
            logger.setLevel(logging.WARNING)

    def about(self, processes: Collection[str]) -> list[str]:
        """Without those that take an `id:version` of a process for a name with a prefix."""
        taken = [f" of '{name}' not recognized" for name in processes]
        return [text for text in self.texts if not any(words in text for words in taken)]

    def emit(self, record: logging.LogRecord) -> None:
        if len(self.texts) < _MOST_WARNINGS and not record.getMessage().startswith("loader is"):
            self.texts.append(record.getMessage()[:1000])


def _described(tool: Process, fragment: str, raw: Document, said: Metadata) -> InspectedProcess:
    """raw: the document, or its entry, as it is written."""
    return InspectedProcess(
        name=fragment or name_of(raw),
        names_itself=not fragment and bool(raw.get("id")),
        fragment=fragment,
        title=tool.tool.get("label"),
        description=text_of(tool.tool.get("doc")),
        version=said.version,
        inputs=_ordered(marked_secret(describe_inputs(tool), secret_inputs(tool)), raw.get("inputs")),
        outputs=_ordered(describe_outputs(tool), raw.get("outputs")),
        images=images_of(tool),
        keywords=said.keywords,
        metadata=said.entries,
    )


def _check_runnable(tool: Process) -> None:
    def visit(document: Document) -> None:
        if document.get("class") == "Operation":
            raise Refused(
                f"'{name_of(document)[:100]}' is an Operation: it says what to do, but not how, so it cannot run."
            )

    tool.visit(visit)


def _ordered(described: Mapping[str, _Port], written: object) -> tuple[_Port, ...]:
    """In the order of the document: cwltool sorts what is written as a mapping."""
    names: Iterable[str] = ()
    if isinstance(written, dict):
        names = written
    elif isinstance(written, list):
        names = [name_of(port) for port in written if isinstance(port, dict)]
    first = {name: described[name] for name in names if name in described}
    return tuple((first | dict(described)).values())


def _namespaces(document: Document) -> dict[str, str]:
    """Prefix -> URI, of names in a document."""
    given = document.get("$namespaces")
    if not isinstance(given, dict):
        return {}
    return {prefix: uri for prefix, uri in given.items() if isinstance(uri, str) and "://" in uri}


def _checked(found: dict[str, Any]) -> dict[str, Any]:
    """Raises: Refused, for texts and numbers that JSON cannot carry."""
    try:
        json.dumps(found, ensure_ascii=False, allow_nan=False).encode()
    except UnicodeEncodeError as error:
        raise Refused("The document has half of a surrogate pair in a text, which UTF-8 cannot hold.") from error
    except ValueError as error:
        raise Refused("The document has a number that is infinite or not a number (.inf, .nan).") from error
    return found


def _readable(texts: Mapping[str, str]) -> Iterator[tuple[str, Any]]:
    """Those that are JSON or YAML, as plain values."""
    path = Path("text")
    for name, content in decoded(texts).items():
        path.write_bytes(content)
        try:
            yield name, _checked({"value": plain(parse_document(path, name))})["value"]
        except (Refused, RecursionError):
            continue


def run_in_child(request: ChildRequest, channel: ChildWire) -> int:
    """Called by the zygote after the fork."""
    if isinstance(request.task, ParseTexts):
        return ParsingRun(request, request.task, channel).serve()
    assert isinstance(request.task, InspectPackage)
    return InspectionRun(request, request.task, channel).serve()
