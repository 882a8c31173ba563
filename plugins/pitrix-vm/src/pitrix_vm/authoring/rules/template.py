"""Rules of the template, ``cluster.json.*``, as a text with values put in."""

from typing import Final

from pitrix_core.findings import Rule

TEMPLATE_RULES: Final = (
    Rule(
        code="template.json",
        summary="The template gives no JSON with the values put in.",
        remedy="Look at the place and just before it: a brace, a bracket or a quote is missing or "
        "one too many. A tag stands for a whole value, its quotes included.",
    ),
    Rule(
        code="template.tag",
        summary="A tag is not one of this dialect.",
        remedy="AppCenter's tags are {{cluster.name}} without quotes, OpenPitrix's are "
        '"{{.cluster.name}}" in quotes; neither has conditions, loops or pipes. For those, name '
        "the template cluster.json.j2.",
    ),
    Rule(
        code="template.text",
        summary="A tag is only a part of a text.",
        remedy="A tag is replaced by the JSON of a whole value. Make the whole text a parameter, "
        'or write the template as cluster.json.j2, where {{ "a-" ~ cluster.name }} is one.',
    ),
    Rule(
        code="template.calculation",
        summary="What is calculated after a tag cannot be worked out.",
        remedy="Numbers alone can be calculated with, as in {{cluster.node.memory}} * 3 / 1024. "
        "Give the parameter a number as its default, and do not divide by 0.",
    ),
    Rule(
        code="template.mixed",
        summary="Tags are written in two dialects.",
        remedy="The first one decides how the image's own templates name their keys, so the second "
        "one is most often a mistake. Write all tags in one way.",
    ),
    Rule(
        code="template.parameter",
        summary="The template names a parameter that config.json does not have.",
        remedy="Its value is null, or an error in a template with logic. Correct the path (the "
        "keys from the top of config.json joined with dots), or add the parameter.",
    ),
    Rule(
        code="template.ignored",
        summary="The package has more than one template.",
        remedy="One is read: cluster.json.j2, else cluster.json.tmpl, else cluster.json.mustache. "
        "Remove the others.",
    ),
    Rule(
        code="template.syntax",
        summary="A template with logic holds what its language does not have.",
        remedy="There are expressions, if, for and set, and the filters and tests that the message "
        "names; no macros, imports or calls of methods, since packages come from strangers.",
    ),
    Rule(
        code="template.name",
        summary="A template with logic names something that is not there.",
        remedy="Correct the name; a key with dots or dashes goes in brackets: "
        'env["log.level"]. What may be absent is asked for with "is defined".',
    ),
    Rule(
        code="template.value",
        summary="A template with logic does something with a value that cannot be done with it.",
        remedy="The message says with what kind of value. Numbers are not joined to texts with + "
        "but with ~; a password can be written as it is, and not be looked at or changed.",
    ),
    Rule(
        code="template.marker",
        summary="The template spells out what stands for a secret.",
        remedy='An object with "$secret", "$ref" or "$agent" alone in it is how the server itself '
        "writes what only it may look up. Make the secret a parameter of the type password, and "
        "write that parameter here.",
    ),
    Rule(
        code="template.limit",
        summary="A template does more, or gives more, than one may.",
        remedy="Make its loops shorter, its values smaller, or the template itself; the limits "
        "are far above what real packages need.",
    ),
)
