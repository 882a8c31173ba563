"""What the codes of findings mean that the core itself makes of packages, for their authors.

A code is written once where the finding is made and once here; a test holds both together.
"""

from collections.abc import Iterable, Mapping
from typing import Final

from pitrix_core.findings import Rule

_ARCHIVE_RULES: Final = (
    Rule(
        code="package",
        summary="An app type failed while it read the package.",
        remedy="This is a fault of the app type's plugin, not of the package: tell its authors, "
        "with the message. Without its judgement the package cannot be offered.",
    ),
    Rule(
        code="package_archive",
        summary="The archive is damaged, holds something unsafe, or is larger than allowed.",
        remedy="Archives are gzipped tars or zips of plain files with relative paths. Links, "
        "devices, paths that lead upwards, and two names that differ in case only are refused, as "
        "they mean different things on different systems. Build it from its folder again: "
        "pitrix package build FOLDER.",
    ),
    Rule(
        code="package_unknown",
        summary="No installed app type recognises the package.",
        remedy="An app type is told from the files at the top of the package. Look for a misspelt "
        "or misplaced file, or install the plugin that reads packages of this type; pitrix plugins "
        "lists what is installed.",
    ),
    Rule(
        code="package_ambiguous",
        summary="Several installed app types take the package for their own.",
        remedy="The files at its top are those of more than one type. Remove what belongs to the "
        "other, or disable its plugin.",
    ),
    Rule(
        code="plugin.failed",
        summary="A plugin that looks at packages failed.",
        remedy="This is a fault of the plugin, not of the package: tell its authors, with the "
        "message, or disable it. Until then the package cannot be offered.",
    ),
)
_PACKAGE_RULES: Final = (
    Rule(
        code="package.unnamed",
        summary="There is no package.json, so the package has no name and no version.",
        remedy='Add package.json with at least {"name": "my-app", "version": "1.0.0"}, or give '
        "both when the package is looked at or built: --name my-app --version 1.0.0.",
    ),
    Rule(
        code="package.metadata",
        summary="The package's description of itself is not an object.",
        remedy='Write package.json as an object: {"name": "my-app", "version": "1.0.0"}.',
    ),
    Rule(
        code="package.name",
        summary="The package's name is missing, or cannot be a name.",
        remedy="A name stands in file names and addresses: 1 to 63 letters, digits, '-', '_' and "
        "'.', beginning with a letter or a digit.",
    ),
    Rule(
        code="package.version",
        summary="The package's version is missing, or not a semantic version.",
        remedy="Write MAJOR.MINOR.PATCH, such as 1.4.0 or 2.0.0-rc.1 (https://semver.org), in "
        "quotes. Versions are compared: the newest one without a pre-release is what users get.",
    ),
    Rule(
        code="package.chart",
        summary="A name or a version was given for a Helm chart.",
        remedy="A chart says both itself, in Chart.yaml; change them there.",
    ),
    Rule(
        code="package.missing_file",
        summary="A file is missing that a package of this type has to have.",
        remedy="Add it at the top of the package, spelt as the message spells it.",
    ),
    Rule(
        code="package.encoding",
        summary="A file is not UTF-8.",
        remedy="Save it as UTF-8; the place is the first byte that cannot be read.",
    ),
    Rule(
        code="package.bom",
        summary="A text file begins with a byte order mark.",
        remedy="It is skipped here, but AppCenter refuses such files as no valid JSON. Save the "
        "file as UTF-8 without a byte order mark.",
    ),
    Rule(
        code="package.json",
        summary="A file is not JSON.",
        remedy="Look at the place and just before it: a brace, a bracket or a quote is missing or "
        "one too many, or there is something JSON does not have, such as a comment, a text in "
        "single quotes, NaN or Infinity.",
    ),
    Rule(
        code="package.yaml",
        summary="A file is not YAML that is safe to read.",
        remedy="Look at the place: most often the indentation is wrong or holds a tab. Aliases "
        "(&name, *name) are refused, since a few of them can unfold to gigabytes; write the value "
        "out.",
    ),
    Rule(
        code="package.description",
        summary="The package does not say what it is.",
        remedy='Add "description" to package.json: one sentence, shown wherever packages are '
        "listed.",
    ),
    Rule(
        code="package.icon",
        summary="The package has no icon.",
        remedy='Add "icon" to package.json: the address of an SVG or PNG, shown where packages '
        "are chosen from.",
    ),
    Rule(
        code="package.readme",
        summary="The package has no README.md.",
        remedy="Add one at the top: what the application is, what its parameters do, what to look "
        "after when it is upgraded.",
    ),
    Rule(
        code="package.license",
        summary="The package does not say under which licence it may be used.",
        remedy="Add a file LICENSE at the top with the text of the licence.",
    ),
    Rule(
        code="json.comma",
        summary="A comma is missing, or one too many.",
        remedy="The file was read as if it were right, since there is one way only to read it. "
        "Stricter tools refuse it: put commas between members, and none after the last one.",
    ),
    Rule(
        code="json.duplicate",
        summary="A member is there twice in one object.",
        remedy="Only the last one counts, and the others are silently lost. Remove those that "
        "are not meant.",
    ),
)

#: Keyword of JSON Schema → what it means that a value does not fulfil it, and how that is mended.
#: Source: JSON Schema 2020-12, vocabularies "validation" and "applicator".
_SCHEMA_TEXTS: Final[Mapping[str, tuple[str, str]]] = {
    "type": (
        "A value is of the wrong type.",
        "Write it as the type that is named; numbers, true and false stand without quotes.",
    ),
    "enum": (
        "A value is none of those that are allowed.",
        "Choose one of the values in the message; case counts.",
    ),
    "const": ("A value is not the only one allowed.", "Write the value in the message."),
    "required": (
        "A member is missing.",
        "Add it to the object at this place; a member that is null counts as missing.",
    ),
    "minimum": ("A number is too small.", "Write one that is not below the limit in the message."),
    "maximum": ("A number is too large.", "Write one that is not above the limit in the message."),
    "exclusiveMinimum": ("A number is too small.", "Write one above the limit in the message."),
    "exclusiveMaximum": ("A number is too large.", "Write one below the limit in the message."),
    "multipleOf": (
        "A number is none of the steps allowed.",
        "Write a multiple of the number in the message.",
    ),
    "pattern": (
        "A text is not of the form that is asked for.",
        "Write one that matches the regular expression in the message.",
    ),
    "minLength": ("A text is too short.", "Write at least as many characters as are asked for."),
    "maxLength": ("A text is too long.", "Shorten it to the limit in the message."),
    "minItems": ("A list has too few items.", "Add items."),
    "maxItems": ("A list has too many items.", "Remove items down to the limit in the message."),
    "uniqueItems": ("A list holds a value twice.", "Remove one of them."),
    "items": ("A list has more items than it may.", "Remove the last ones."),
    "unevaluatedItems": ("A list has an item that is not known.", "Remove it."),
    "contains": ("A list lacks an item it needs.", "Add the item that the message describes."),
    "minContains": ("A list has too few items of a kind.", "Add items of that kind."),
    "maxContains": ("A list has too many items of a kind.", "Remove items of that kind."),
    "minProperties": ("An object has too few members.", "Add members."),
    "maxProperties": ("An object has too many members.", "Remove members."),
    "additionalProperties": (
        "An object has a member it may not have.",
        "Remove it, or look for a misspelling of a name that is known at this place.",
    ),
    "unevaluatedProperties": (
        "An object has a member it may not have.",
        "Remove it, or look for a misspelling of a name that is known at this place.",
    ),
    "propertyNames": (
        "A member has a name that is not allowed at this place.",
        "Rename it as the message says.",
    ),
    "dependentRequired": (
        "A member needs another one beside it.",
        "Add the other one, or remove both.",
    ),
    "anyOf": ("A value fits none of the forms allowed.", "Give it one of them."),
    "oneOf": ("A value fits not exactly one of the forms allowed.", "Give it one of them."),
    "not": ("A value is one that is not allowed.", "Write another one."),
    "false": ("There may be nothing at this place.", "Remove the value."),
    "depth": ("A value is nested too deeply to be checked.", "Make it flatter."),
    "format": ("A text is not of the format asked for.", "Write it in that format."),
}
_SCHEMA_RULES: Final = tuple(
    Rule(code=f"schema.{keyword}", summary=summary, remedy=remedy)
    for keyword, (summary, remedy) in _SCHEMA_TEXTS.items()
)

_UPGRADE_RULES: Final = (
    Rule(
        code="upgrade.removed",
        summary="A parameter of the version before is gone.",
        remedy="Whoever was given a value for it loses it. Keep the parameter, or say in the notes "
        "of the release what stands for it now.",
    ),
    Rule(
        code="upgrade.required",
        summary="A parameter has to be given, and had not to be in the version before.",
        remedy="Clusters of that version have no value for it. Give it a default.",
    ),
    Rule(
        code="upgrade.type",
        summary="A parameter is of another type than in the version before.",
        remedy="Values of that version are refused. Add a parameter with another key instead.",
    ),
    Rule(
        code="upgrade.narrowed",
        summary="A parameter takes less than in the version before.",
        remedy="Values of that version may be refused. Keep allowing what was allowed.",
    ),
    Rule(
        code="upgrade.documents",
        summary="What the templates of two versions give could not be compared.",
        remedy="Render each of them to see why: pitrix package render PATH.",
    ),
    Rule(
        code="upgrade.app_type",
        summary="Two versions of a package are of different app types.",
        remedy="No cluster can go from one to the other. Release it under a name of its own.",
    ),
)

#: Every rule of the core.
CORE_RULES: Final[tuple[Rule, ...]] = (
    *_ARCHIVE_RULES,
    *_PACKAGE_RULES,
    *_SCHEMA_RULES,
    *_UPGRADE_RULES,
)


def rules_by_code(rules: Iterable[Rule]) -> Mapping[str, Rule]:
    """Return rules by their codes, the core's own among them.

    :param rules: of app types; where they explain a code of the core's, theirs count: they know
        more of the place.
    """
    return {rule.code: rule for rule in (*CORE_RULES, *rules)}
