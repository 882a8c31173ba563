"""Renders a package with a configuration, as deploying it would; secrets are kept apart.

A template sees what it sees in a plan: ``$secret`` markers in the place of secrets. So nothing a
template does with its values can show one; what is printed has something else in their place.
"""

from collections.abc import Callable, Mapping

import attrs

from pitrix_core.catalog.guard import asking
from pitrix_core.catalog.recognise import ReadPackage
from pitrix_core.cli.authoring.placeholders import MASK, Completed, with_everything, with_secrets
from pitrix_core.findings import Finding
from pitrix_core.model import JsonObject, JsonValue, SecretRef
from pitrix_core.model.json import marker_of
from pitrix_core.service.configs import without_secrets


@attrs.frozen(kw_only=True)
class Rendered:
    """What a package's templates give."""

    #: File name → document, with markers in the place of secrets.
    documents: Mapping[str, JsonValue]
    findings: tuple[Finding, ...] = ()
    #: JSON pointers of the configuration's secrets that nobody gave.
    placeholders: tuple[str, ...] = ()
    #: Id in a marker → secret.
    secrets: Mapping[str, str] = attrs.field(factory=dict, repr=False)


def schema_of(package: ReadPackage, *, language: str = "en") -> JsonObject:
    """Return the schema of a package's configuration.

    :raises PackageError: the app type fails to make one.
    """
    with asking(package.app_type, to="describe the configuration"):
        schema: JsonObject = package.app_type.config_schema(package.spec, language=language)
    return schema


def rendered(package: ReadPackage, config: JsonObject, *, schema: JsonObject) -> Rendered:
    """Render a package with a user's configuration; secrets that nobody gave are made up.

    :param schema: of the package.
    :raises ConfigInvalidError: with a finding for each violation.
    :raises PackageError: the app type cannot render it.
    """
    return _rendered(package, with_secrets(config, schema), schema=schema)


def rendered_by_default(package: ReadPackage) -> Rendered:
    """Render a package as for a user who fills in nothing; what has to be given is made up.

    :raises PackageError: the app type cannot render it.
    """
    schema = schema_of(package)
    return _rendered(package, Completed(config=with_everything(schema)), schema=schema)


def hidden(found: Rendered) -> Mapping[str, JsonValue]:
    """Return the documents with the same word for every secret."""
    return {file: _replaced(value, lambda _: MASK) for file, value in found.documents.items()}


def revealed(found: Rendered) -> Mapping[str, JsonValue]:
    """Return the documents with the secrets in them."""
    return {
        file: _replaced(value, lambda secret_id: found.secrets.get(secret_id, MASK))
        for file, value in found.documents.items()
    }


def _rendered(package: ReadPackage, completed: Completed, *, schema: JsonObject) -> Rendered:
    secrets: dict[str, str] = {}

    def keep(text: str) -> SecretRef:
        secret_id = f"sec-{len(secrets) + 1}"
        secrets[secret_id] = text
        return SecretRef(secret_id)

    config = without_secrets(completed.config, schema, keep=keep)
    with asking(package.app_type, to="render the package"):
        documents = package.app_type.documents(package.spec, config)
    return Rendered(
        documents=documents.files,
        findings=documents.findings,
        placeholders=completed.placeholders,
        secrets=secrets,
    )


def _replaced(value: JsonValue, text_of: Callable[[str], str]) -> JsonValue:
    marker = marker_of(value)
    if marker is not None and marker[0] == "$secret":
        return text_of(str(marker[1]))
    if isinstance(value, Mapping):
        return {name: _replaced(member, text_of) for name, member in value.items()}
    if isinstance(value, list | tuple):
        return [_replaced(item, text_of) for item in value]
    return value
