"""`format` of CWL (IANA, EDAM and OGC names) <-> media types."""

_IANA = "https://www.iana.org/assignments/media-types/"
_OGC = "http://www.opengis.net/def/media-type/ogc/1.0/"
_EDAM = "http://edamontology.org/"
#: EDAM's number of a format -> its media type. Source: edamontology.org, class "Format".
_EDAM_TYPES = {
    "format_2330": "text/plain",
    "format_2331": "text/html",
    "format_2332": "application/xml",
    "format_3464": "application/json",
    "format_3475": "text/tab-separated-values",
    "format_3752": "text/csv",
    "format_3750": "application/yaml",
    "format_3987": "application/zip",
    "format_3989": "application/gzip",
    "format_3981": "application/x-tar",
    "format_3508": "application/pdf",
    "format_3603": "image/png",
    "format_3579": "image/jpeg",
    "format_3591": "image/tiff",
    "format_3604": "image/svg+xml",
    "format_3650": "application/x-netcdf",
    "format_3590": "application/x-hdf5",
    "format_1929": "text/x-fasta",
    "format_1930": "text/x-fastq",
    "format_2572": "application/x-bam",
    "format_2573": "text/x-sam",
    "format_3016": "text/x-vcf",
    "format_3003": "text/x-bed",
    "format_2333": "application/octet-stream",
    "format_3255": "text/turtle",
    "format_3256": "application/n-triples",
    "format_2376": "application/rdf+xml",
    "format_3749": "application/ld+json",
    "format_3859": "image/tiff",
    "format_3620": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
_OGC_TYPES = {
    "geotiff": "image/tiff; application=geotiff",
    "netcdf": "application/x-netcdf",
    "geojson": "application/geo+json",
    "gml": "application/gml+xml",
}


def media_type_of_format(uri: str) -> str | None:
    """None for a format that has no media type of its own, or is only known when the tool runs."""
    for prefix in (_IANA, _IANA.replace("https", "http")):
        if uri.startswith(prefix):
            return uri.removeprefix(prefix)
    if uri.startswith(_OGC):
        return _OGC_TYPES.get(uri.removeprefix(_OGC).lower())
    if uri.startswith(_EDAM):
        return _EDAM_TYPES.get(uri.removeprefix(_EDAM))
    return None


def cwl_format(media_type: str) -> str:
    return _IANA + media_type.partition(";")[0].strip()
