"""What a file is that lies where a table is looked for and holds none that is read, by its first bytes."""

from __future__ import annotations

import re

GZIP, PARQUET = b"\x1f\x8b", b"PAR1"
ZIP, OLD_OFFICE = b"PK\x03\x04", b"\xd0\xcf\x11\xe0"
#: So many first bytes tell all kinds but those of text.
TELLING = 10
_AS_CSV = "save each table as “CSV UTF-8” and deliver that"
_UNPACK = "unpack it, or compress each table with gzip, and deliver that"
_EXPORT = "export the table as “CSV UTF-8” and deliver that"
_KINDS = (
    (re.escape(ZIP), "a ZIP archive or a damaged workbook", "unpack it, or save the workbook anew, and deliver that"),
    (rb"PK\x05\x06", "an empty ZIP archive", _AS_CSV),
    (re.escape(OLD_OFFICE), "a document of an old Office", _AS_CSV),
    (rb"%PDF", "a PDF", _AS_CSV),
    # Behind the mark stands a number in four bytes, of which some are 0: a table may begin with a column PARENT.
    (rb"(?s)PARE.{1,3}\x00", "an encrypted Parquet file", "write it without encryption and deliver that"),
    (
        rb"BZh[1-9]1AY&SY|\xfd7zXZ\x00|\x28\xb5\x2f\xfd|7z\xbc\xaf|Rar!\x1a",
        "an archive of another kind than gzip",
        _UNPACK,
    ),
    (rb"\x89PNG|\xff\xd8\xff", "a picture", _EXPORT),
    (rb"SQLite fo|ORC[\x00-\x1f]|ARROW1\x00", "a database or a data file of another kind than Parquet", _EXPORT),
    (
        rb"\s*(<!doctype|<html|<head|<body|<table|<tr\b|<div|<p>)",
        "a web page, as a download that failed leaves one",
        _EXPORT,
    ),
    (
        # Where one comment ends is never tried anew, or forty of them would take hours.
        rb'(?s)\s*(<\?xml[^>]*>\s*)?(<!--(?>.*?-->)\s*)*+<\w+\b[^>]*\sxmlns="http://hl7\.org/fhir"',
        "FHIR as XML",
        "export the resources as JSON or NDJSON and deliver these",
    ),
    (rb"\s*(<\?xml|<workbook)", "an XML document", _EXPORT),
    (rb'\s*(\[\s*)?\{\s*"[^"]*"\s*:', "JSON", _EXPORT),
    (rb"\{\\rtf", "a document of a word processor", _EXPORT),
    (rb"version https://git-lfs", "a pointer that Git LFS left in the file's place", "fetch the file itself"),
)
_WITHIN_GZIP = (
    (GZIP, "a file that was compressed twice with gzip", "compress it once and deliver that"),
    (PARQUET, "a Parquet file that was compressed with gzip", "deliver the Parquet file itself"),
    (rb"(?s).{257}ustar", "a tar archive", _UNPACK),
)
_BOM = b"\xef\xbb\xbf"


def foreign(start: bytes, *, packed: bool = False) -> str | None:
    """What a file is that is no table, and what to do; None where it may be one.

    Args:
        start: its first bytes.
        packed: whether they come out of one that was compressed with gzip.
    """
    start = start.removeprefix(_BOM)
    for mark, kind, advice in (*_KINDS, *(_WITHIN_GZIP if packed else ())):
        if re.match(mark, start, re.IGNORECASE):
            return f"{kind}, which is not read; {advice}"
    return None
