"""Packages as bytes: reading archives safely, building them, and the indexes that list them.

Here belongs what is the same for every application type: archives and folders, digests, versions,
signatures, metadata, repository indexes, JSON and YAML with the places of what they say. What a
package's files mean is the business of its app type; checking JSON with a schema is that of
``pitrix_core.validation``. Nothing here opens a connection or writes outside the folder it was
given.

Signatures are imported from their modules, ``signature`` and ``signing_key``: few need them, and
what they are made with is slow to import.
"""

from pitrix_core.package.advice import duplicate_finding
from pitrix_core.package.archive import archive_bytes, read_archive
from pitrix_core.package.build import Built, build_archive, supplemented
from pitrix_core.package.folder import read_folder
from pitrix_core.package.index import IndexEntries, IndexEntry, read_index
from pitrix_core.package.json import parse_json
from pitrix_core.package.json_text import (
    JsonText,
    Places,
    duplicates_in,
    parse_tolerant,
    places_of,
)
from pitrix_core.package.limits import DEFAULT_LIMITS, Limits
from pitrix_core.package.locating import located_in_json
from pitrix_core.package.metadata import describe
from pitrix_core.package.places import Place, place_at, placed
from pitrix_core.package.publish import write_index
from pitrix_core.package.reader import Package, check_digest, digest_of
from pitrix_core.package.semver import Version
from pitrix_core.validation import pointer_to, violations

__all__ = [
    "DEFAULT_LIMITS",
    "Built",
    "IndexEntries",
    "IndexEntry",
    "JsonText",
    "Limits",
    "Package",
    "Place",
    "Places",
    "Version",
    "archive_bytes",
    "build_archive",
    "check_digest",
    "describe",
    "digest_of",
    "duplicate_finding",
    "duplicates_in",
    "located_in_json",
    "parse_json",
    "parse_tolerant",
    "place_at",
    "placed",
    "places_of",
    "pointer_to",
    "read_archive",
    "read_folder",
    "read_index",
    "supplemented",
    "violations",
    "write_index",
]
