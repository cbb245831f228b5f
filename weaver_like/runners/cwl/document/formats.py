"""`format` of CWL (IANA, EDAM and OGC names) <-> media types."""

import re

from weaver_like.domain.formats import OCTETS
from weaver_like.runners.cwl.types import Document

_IANA = "https://www.iana.org/assignments/media-types/"
_IANA_NAME = re.compile(r"(?:https?://(?:www\.)?iana\.org/assignments/media-types/|iana:)(?P<name>.+)")
_OGC_NAME = re.compile(r"(?:https?://(?:www\.)?opengis\.net/def/media-type/ogc/1\.0/|ogc:)(?P<name>.+)")
_EDAM_NAME = re.compile(r"(?:https?://(?:www\.)?edamontology\.org/|edam:)format_(?P<name>\d+)")
#: Media type -> numbers of EDAM's formats, by its own links to IANA, else by what it says that they are: text, XML,
#: JSON, binary. Source: edamontology.org, class "Format", properties "media_type", "file_extension", "subClassOf".
_EDAM_FORMATS = {
    "text/plain": "1196 1197 1476 1477 1910 1927 1931 1932 1933 1936 1947 1954 1957 1961 1964 1974 1975 1982 1984 1997 "
    "2200 2305 2306 2330 2554 2556 2561 3005 3007 3011 3012 3013 3019 3235 3288 3310 3477 3485 3499 3554 3580 3581 "
    "3582 3583 3584 3585 3586 3587 3588 3589 3606 3607 3608 3609 3610 3611 3612 3613 3614 3671 3681 3688 3691 3693 "
    "3709 3713 3728 3746 3751 3758 3775 3777 3783 3785 3789 3790 3811 3812 3813 3814 3815 3816 3817 3818 3819 3820 "
    "3822 3823 3827 3829 3864 3868 3877 3878 3880 3881 3882 3883 3886 3887 3888 3889 3906 3909 3916 3951 3972 3975 "
    "3976 3978 3979 3980 3982 3983 3984 3985 3992 3996 3998 3999 4000 4005 4007 4015 4018 4035 4036 4039 4048 4049 "
    "4050",
    "text/html": "2303 2310 2331",
    "text/tab-separated-values": "3475",
    "text/csv": "3752",
    "text/turtle": "3255",
    "text/n3": "3257",
    "text/x-bed": "3003",
    "text/x-fasta": "1929",
    "text/x-fastq": "1930",
    "text/x-sam": "2573",
    "text/x-vcf": "3016",
    "application/xml": "2332 2352 2555 2558 3239 3244 3246 3247 3262 3331 3487 3655 3657 3682 3683 3684 3685 3689 3690 "
    "3692 3711 3725 3726 3764 3770 3782 3804 3821 3825 3832 3833 3834 3836 3843 3844 3845 3846 3847 3848 3850 3851 "
    "3852 3853 3854 3971 4023",
    "application/cellml+xml": "3240",
    "application/sbml+xml": "2585",
    "application/json": "3464 3772 3774 3781 3784 3969 3970 4025 4041",
    "application/ld+json": "3749",
    "application/n-quads": "3956",
    "application/n-triples": "3256",
    "application/rdf+xml": "2376 3261 3771",
    "application/sql": "3788",
    "application/yaml": "3750 3773",
    "application/cwl": "3857",
    "application/gzip": "3989",
    "application/zip": "3987",
    "application/zstd": "4006",
    "application/x-tar": "3981",
    "application/pdf": "3508",
    "application/postscript": "3466 3696",
    "application/dicom": "3548",
    "application/vnd.ms-excel": "3468",
    "application/vnd.openxmlformats-officedocument.presentationml.presentation": "3838",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": "3620 3977",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": "3506",
    "application/vnd.oxli.countgraph": "3665",
    "application/vnd.sqlite3": "3621 3622",
    "application/x-bam": "2572",
    "application/x-hdf5": "3590",
    "application/x-netcdf": "3650",
    "chemical/x-jcamp-dx": "3859",
    "image/bmp": "3592",
    "image/gif": "3467",
    "image/jpeg": "3579",
    "image/png": "3603",
    "image/svg+xml": "3604",
    "image/tiff": "3591 3727",
    "multipart/related": "3556",
    "video/mp4": "3997",
    OCTETS: "2333 3004 3006 3010 3017 3018 3020 3284 3327 3462 3484 3491 3549 3578 3615 3616 3624 3698 3700 3710 3712 "
    "3776 3826 3830 3839 3858 3873 3875 3876 3910 3911 3913 3915 3973 4001 4002 4003",
}
_EDAM_TYPES = {number: media_type for media_type, numbers in _EDAM_FORMATS.items() for number in numbers.split()}
_OGC_TYPES = {
    "geotiff": "image/tiff; application=geotiff",
    "netcdf": "application/x-netcdf",
    "geojson": "application/geo+json",
    "gml": "application/gml+xml",
}


def formats_of(port: Document) -> list[str]:
    """The formats that an input or output declares, without expressions, which have a value only when the tool runs."""
    declared = port.get("format") or []
    formats = declared if isinstance(declared, list) else [declared]
    return [one for one in formats if isinstance(one, str) and "$(" not in one and "${" not in one]


def media_type_of_format(uri: str) -> str | None:
    """None for a format that has no media type of its own, or is only known when the tool runs."""
    if found := _IANA_NAME.fullmatch(uri):
        return found["name"]
    if found := _OGC_NAME.fullmatch(uri):
        return _OGC_TYPES.get(found["name"].lower())
    if found := _EDAM_NAME.fullmatch(uri):
        return _EDAM_TYPES.get(found["name"])
    return None


def cwl_format(media_type: str) -> str:
    """The name by which CWL knows a media type."""
    return _IANA + media_type.partition(";")[0].strip()
