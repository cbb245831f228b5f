"""The report: a line for each document, and counts of verdicts and reasons."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterator

from tests.collection.attempt import Finding, Verdict

#: What differs between two refusals for the same reason: names in quotes, addresses, paths, numbers.
_OWN = re.compile(r"'[^']*'|\"[^\"]*\"|\S*/\S*|\S+\.(?:cwl|ya?ml|json)\S*|\b\d+\b")
#: Where the first sentence ends, as far as that can be told.
_END = re.compile(r"[.;](?: |$)|\n")


def kind_of(reason: str) -> str:
    """The first sentence of a reason, without what is its own to one document."""
    return _END.split(_OWN.sub("*", reason), maxsplit=1)[0][:110]


def lines(findings: list[Finding], verbose: bool = False) -> Iterator[str]:
    """The report; documents that passed, or have no job, have lines of their own only if it is verbose."""
    groups: dict[tuple[Verdict, str], list[Finding]] = defaultdict(list)
    for finding in findings:
        groups[finding.verdict, kind_of(finding.reason)].append(finding)
    order = sorted(groups, key=lambda key: (list(Verdict).index(key[0]), -len(groups[key]), key[1]))
    for verdict, kind in order:
        if verbose or verdict not in (Verdict.ACCEPTED, Verdict.PASSED):
            yield from (_line(finding) for finding in groups[verdict, kind])
    yield ""
    yield from (f"{len(groups[key]):6} {key[0]:9}{key[1]}".rstrip() for key in order)
    count = Counter(finding.verdict for finding in findings)
    yield f"{len(findings)} documents: {', '.join(f'{count[verdict]} {verdict}' for verdict in Verdict)}"


def _line(finding: Finding) -> str:
    return f"{finding.verdict.upper():9}{finding.name}: {' '.join(finding.reason.split())}".removesuffix(": ")
