"""Makes findings of violations: with the place, its label, plain words, and the next step."""

import textwrap
from collections.abc import Iterable, Mapping
from typing import Any, Final

from pitrix_core.findings import Finding, Level
from pitrix_core.validation import words
from pitrix_core.validation.pointers import pointer_to
from pitrix_core.validation.spelling import nearest
from pitrix_core.validation.statements import statements_at
from pitrix_core.validation.violated import Violated
from pitrix_core.validation.visibility import failed_conditions

#: Longest message, in characters.
_MESSAGE_LIMIT: Final = 500


class Reporter:
    """Makes the findings of one document."""

    def __init__(
        self, value: object, schema: Mapping[str, Any], *, pointer: str, file: str | None
    ) -> None:
        """Keep what messages are made from."""
        self._value = value
        self._schema = schema
        self._pointer = pointer
        self._file = file

    def findings(self, violated: Iterable[Violated]) -> list[Finding]:
        """Return a finding for each violation, none twice, sorted by place.

        Of a field that is hidden nothing else is said than that.
        """
        every = sorted(violated, key=_order)
        hidden = {one.path: self._hidden_finding(one) for one in every if self._is_hidden(one)}
        found = [hidden.get(one.path) or self._finding(one) for one in every]
        return list(dict.fromkeys(found))

    def _finding(self, violated: Violated) -> Finding:
        if violated.keyword == "additionalProperties":
            return self._unknown(violated)
        said = statements_at(self._schema, violated.path)
        if violated.keyword == "required":
            return self._made(violated, _missing(violated, said.label))
        subject = "the value" if said.is_secret else words.quoted(violated.value)
        if violated.is_about_name:
            subject = f"the name {subject}"
        predicate = violated.obstacle or words.said(violated)
        return self._made(violated, _labelled(said.label, f"{subject} {predicate}"))

    def _unknown(self, violated: Violated) -> Finding:
        name = str(violated.path[-1])
        known = list(violated.schema.get("properties", {}))
        meant = nearest(name, known)
        guess = f"; is it {meant!r}?" if meant else ""
        if meant:
            step = f"Write {meant!r}, or remove it."
        else:
            step = f"Known here: {words.choices(known)}." if known else "Remove it."
        return self._made(violated, f"{words.quoted(name)} is not known here{guess}", step)

    # -- fields that do not show -------------------------------------------------------------------

    def _is_hidden(self, violated: Violated) -> bool:
        return violated.is_conditional and bool(self._conditions(violated))

    def _conditions(self, violated: Violated) -> list[Mapping[str, Any]]:
        siblings = self._object_around(violated.path)
        parts = statements_at(self._schema, violated.path).parts
        return [failed for part in parts for failed in failed_conditions(part, siblings)]

    def _object_around(self, path: tuple[str | int, ...]) -> Mapping[str, Any]:
        found: Any = self._value
        for step in path[:-1]:
            found = found[step]
        return found if isinstance(found, Mapping) else {}

    def _hidden_finding(self, violated: Violated) -> Finding:
        needs = [self._need(condition, violated.path) for condition in self._conditions(violated)]
        label = statements_at(self._schema, violated.path).label or repr(violated.path[-1])
        return self._made(violated, _labelled(label, " and ".join(dict.fromkeys(needs))))

    def _need(self, condition: Mapping[str, Any], path: tuple[str | int, ...]) -> str:
        key = str(condition.get("key"))
        label = statements_at(self._schema, (*path[:-1], key)).label or key
        if "in" in condition:
            return f"is only for {label} = {words.choices(condition['in'])}"
        return f"is not for {label} = {words.choices(condition.get('not_in', ()))}"

    def _made(self, violated: Violated, message: str, next_step: str | None = None) -> Finding:
        return Finding(
            level=Level.ERROR,
            code=f"schema.{violated.keyword}",
            message=textwrap.shorten(message, _MESSAGE_LIMIT, placeholder="…"),
            pointer=self._pointer + pointer_to(violated.path),
            file=self._file,
            next_step=next_step,
        )


def _missing(violated: Violated, label: str) -> str:
    if label:
        return f"{label}: a value is required"
    return f"{violated.path[-1]!r} is a required property"


def _labelled(label: str, message: str) -> str:
    return f"{label}: {message}" if label else message


def _order(violated: Violated) -> tuple[object, ...]:
    """Sort by place: members by name, items by number."""
    places = [(0, step, "") if isinstance(step, int) else (1, 0, step) for step in violated.path]
    return (places, violated.keyword, str(violated.schema_path))
