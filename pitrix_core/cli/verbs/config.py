"""``pitrix config``: what an application can be told."""

import click

from pitrix_core.cli.completion.values import app_versions
from pitrix_core.cli.forms import ROW_COLUMNS, rows_of, sections_of
from pitrix_core.cli.lookup import app_version
from pitrix_core.cli.options import Session, talks_to_api
from pitrix_core.cli.output import print_json, print_table
from pitrix_core.cli.terminal import say
from pitrix_core.model import JsonObject


@click.group()
def config() -> None:
    """Look at what an application can be told."""


@config.command()
@click.argument("version", metavar="APP_VERSION", shell_complete=app_versions)
@talks_to_api
def show(session: Session, version: str) -> None:
    """Show the form of APP_VERSION: an id, NAME (its newest release) or NAME@VERSION.

    Each field is shown with the path to set it by: --set PATH=VALUE. With --json: the JSON Schema.
    """
    document = _schema_of(session, version)
    if session.as_json:
        print_json(document)
        return
    sections = sections_of(document)
    for section in sections:
        if section.title:
            say(click.style(section.title, bold=True))
        if section.description:
            say(section.description)
        for field in section.fields:
            say(f"  {field.path}  {field.label}".rstrip())
            for line in (field.facts(), field.description, field.condition()):
                if line:
                    say(f"      {line}")
        say()
    if not sections:
        say("It has no parameters.")


@config.command()
@click.argument("version", metavar="APP_VERSION", shell_complete=app_versions)
@talks_to_api
def schema(session: Session, version: str) -> None:
    """List the parameters of APP_VERSION: an id, NAME (its newest release) or NAME@VERSION.

    Each can be set with --set PATH=VALUE. With --json: the JSON Schema.
    """
    document = _schema_of(session, version)
    if session.as_json:
        print_json(document)
        return
    print_table(rows_of(document), ROW_COLUMNS, nothing="It has no parameters.")


def _schema_of(session: Session, version: str) -> JsonObject:
    found = app_version(session.api, version)
    document: JsonObject = session.api.get(f"/v1/app_versions/{found['id']}/config_schema")
    return document
