"""Links and their relations."""

from dataclasses import dataclass

from weaver_like.domain.headers import parameter, quoted, uri

OGC = "http://www.opengis.net/def/rel/ogc/1.0/"
#: Weaver and newer drafts spell the relations with https; clients look for either.
OGC_HTTPS = "https://www.opengis.net/def/rel/ogc/1.0/"
PROFILE_RESULTS = "https://www.opengis.net/def/profile/OGC/0/ogc-results"
PROFILE_PROCESS = "https://www.opengis.net/def/profile/OGC/0/ogc-process-description"


@dataclass(frozen=True, slots=True)
class Link:
    """Source: OGC 18-062r2, link.yaml; RFC 8288."""

    href: str
    rel: str
    type: str | None = None
    title: str | None = None

    def header(self) -> str:
        """The link as a value of the HTTP header `Link`. Source: RFC 8288 sections 3 and 3.4.1."""
        parts = [f"<{uri(self.href)}>", f'rel="{self.rel}"']
        if self.type:
            parts.append(f"type={quoted(self.type)}")
        if self.title:
            parts.append(parameter("title", self.title))
        return "; ".join(parts)
