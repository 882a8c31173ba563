"""Templates with logic that strangers wrote: they reach nothing, they end, and they stay small."""

import gc
import inspect
import sys
import tracemalloc
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jinja_templates import TREE, document, filled

from pitrix_core.errors import TemplateRenderError
from pitrix_vm.template.fuel import FUEL, Fuel
from pitrix_vm.template.machine import run
from pitrix_vm.template.records import TemplateFaultError
from pitrix_vm.template.syntax import read_program

#: What a template may make us hold at once; most of it is what Jinja's parser makes.
MEMORY_LIMIT_BYTES = 100_000_000


@pytest.fixture
def peak() -> Iterator[None]:
    """Fail a test that holds too much memory at once."""
    gc.collect()
    tracemalloc.start()
    yield
    held = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert held < MEMORY_LIMIT_BYTES


def refusal(text: str) -> str:
    """Return the code with which a template is refused."""
    with pytest.raises(TemplateRenderError) as caught:
        document(text, f=str)
    [finding] = caught.value.findings
    return finding.code


@pytest.mark.parametrize(
    "expression",
    [
        "''.__class__.__mro__[1].__subclasses__()",
        "''['__class__']",
        "[].__class__.__base__",
        "{}.__class__",
        "(1).__class__",
        "cycler.__init__.__globals__.os",
        "lipsum.__globals__['os'].popen('id')",
        "joiner.__init__.__globals__",
        "namespace(a=1)",
        "dict(a=1)",
        "self.__init__.__globals__",
        "self._TemplateReference__context",
        "config.items()",
        "request.application",
        "range.__self__",
        "range.__class__",
        "loop.__class__",
        "helper.__globals__",
        "helper.__code__.co_consts",
        "helper.func_globals",
        "cluster.items()",
        "cluster.get('name')",
        "cluster.__class__",
        "cluster['__class__']",
        "env.pop('flag')",
        "cluster.zones.append(1)",
        "cluster.name.format",
        "'{0.__class__}'.format(1)",
        "'%c' % 1",
        "'%(a)s' % {'a': 1}",
        "cluster.name.encode().decode()",
        "_context",
        "environment",
        "context",
        "caller()",
        "varargs",
        "super()",
        "true.__class__",
        "none.__class__",
        "undefined.__class__",
        "''.join(['a'])",
    ],
)
def test_nothing_of_python_is_reached(expression: str) -> None:
    """There are the values of the form, and there is nothing behind them."""
    with pytest.raises(TemplateRenderError):
        document("[{{ " + expression + " }}]", helper=len)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("{{ x | attr('__class__') }}", id="attr"),
        pytest.param("{{ x | map('upper') }}", id="map"),
        pytest.param("{{ x | format(1) }}", id="format"),
        pytest.param("{{ x | pprint }}", id="pprint"),
        pytest.param("{{ x | xmlattr }}", id="xmlattr"),
        pytest.param("{{ x | groupby('__class__') }}", id="groupby"),
        pytest.param("{{ x | selectattr('__class__') }}", id="selectattr"),
        pytest.param("{{ x | random }}", id="random"),
        pytest.param("{{ x | center(1000000000) }}", id="center"),
        pytest.param("{{ x | indent(1000000000) }}", id="indent"),
        pytest.param("{{ x | batch(1) }}", id="batch"),
        pytest.param("{{ x | default(fuel=1) }}", id="our-own-argument"),
        pytest.param("{{ f(*x) }}", id="asterisk"),
        pytest.param("{{ f(**x) }}", id="asterisks"),
        pytest.param("{{ x | join(*y) }}", id="asterisk-in-a-filter"),
        pytest.param("{% macro m() %}{{ m() }}{% endmacro %}", id="macro"),
        pytest.param("{% call m() %}{% endcall %}", id="call"),
        pytest.param("{% for a in b recursive %}{{ loop(a) }}{% endfor %}", id="recursive"),
        pytest.param("{% include 'cluster.json.j2' %}", id="include"),
        pytest.param("{% import 'os' as os %}", id="import"),
        pytest.param("{% from 'os' import system %}", id="from-import"),
        pytest.param("{% extends 'a' %}", id="extends"),
        pytest.param("{% block a %}{% endblock %}", id="block"),
        pytest.param("{% filter upper %}a{% endfilter %}", id="filter-block"),
        pytest.param("{% set a %}b{% endset %}", id="set-block"),
        pytest.param("{% set a.b = 1 %}", id="set-a-member"),
        pytest.param("{% with a = 1 %}{% endwith %}", id="with"),
        pytest.param("{% autoescape true %}{% endautoescape %}", id="autoescape"),
        pytest.param("{% do x.append(1) %}", id="do"),
        pytest.param("{% debug %}", id="debug"),
        pytest.param("{% for a in b %}{% break %}{% endfor %}", id="break"),
        pytest.param("{% trans %}a{% endtrans %}", id="trans"),
    ],
)
def test_what_is_not_listed_is_refused(text: str) -> None:
    """Before anything is worked out, with the place."""
    assert refusal(f"[\n{text}]") == "template.syntax"


DOUBLED = "{% set a = a ~ a %}" * 40
NESTED = "{% set a = [a, a] %}" * 40
DEEP = "{% set a = [a] %}" * 60
LOOP = "{% for i in range(1000) %}"


@pytest.mark.usefixtures("peak")
@pytest.mark.parametrize(
    "text",
    [
        pytest.param("{{ 'a' * 10 ** 9 }}", id="text-repeated"),
        pytest.param("{{ 10 ** 9 * 'a' }}", id="repeated-text"),
        pytest.param("{{ [0] * 10 ** 9 }}", id="list-repeated"),
        pytest.param("{% if false %}{% endif %}{% set a = 'a' * 10 ** 9 %}", id="constant"),
        pytest.param("{% set a = 'aa' %}" + DOUBLED + "{{ a }}", id="text-doubled"),
        pytest.param("{% set a = 'aa' %}" + DOUBLED.replace("~", "+") + "{{ a }}", id="added"),
        pytest.param("{% set a = [1] %}" + DOUBLED.replace("~", "+") + "{{ a }}", id="list-added"),
        pytest.param("{% set a = 1 %}" + NESTED + "{{ a }}", id="nested-written"),
        pytest.param("{% set a = 1 %}" + NESTED + "{{ a == a }}", id="nested-compared"),
        pytest.param("{% set a = 1 %}" + NESTED + "{{ a | string }}", id="nested-as-text"),
        pytest.param("{% set a = 1 %}" + NESTED + "{{ f(a) }}", id="nested-handed-over"),
        pytest.param("{{ range(10 ** 9) | length }}", id="range"),
        pytest.param("{{ range(0, -(10 ** 18), -1) }}", id="range-down"),
        pytest.param("{{ range(10 ** 18) | sum }}", id="range-summed"),
        pytest.param(LOOP * 3 + "{% endfor %}" * 3, id="loops"),
        pytest.param(LOOP * 2 + "{{ i }}," + "{% endfor %}" * 2, id="output"),
        pytest.param(LOOP * 2 + "x" * 1000 + "{% endfor %}" * 2, id="plain-output"),
        pytest.param(LOOP * 2 + "{% if i is defined %}{% endif %}" + "{% endfor %}" * 2, id="if"),
        pytest.param(
            LOOP + "{{ cluster | dictsort | string }}" * 90 + "{% endfor %}", id="filters"
        ),
        pytest.param("{% set a = 'ab' * 50000 %}{{ a | replace('a', a) }}", id="replace"),
        pytest.param("{% set a = ['a'] * 9000 %}{{ a | join('b' * 9000) }}", id="join"),
        pytest.param("{% set a = 'a,' * 90000 %}" + "{{ a | split(',') }}" * 9, id="split"),
        pytest.param("{% set a = ['a' * 90000] * 90000 %}{{ a | sort }}", id="sort"),
        pytest.param("{% set a = 'ab' * 90000 %}{{ a[::-1] ~ a[::-1] }}" * 9, id="slices"),
        pytest.param("{% set a = 'a' * 90000 %}" + LOOP + "{{ a == a }}{% endfor %}", id="equal"),
        pytest.param("{% set a = 'a' * 90000 %}" + LOOP + "{{ a in a }}{% endfor %}", id="in"),
        pytest.param(
            "{% set a = 'a' * 90000 %}" + LOOP + "{{ a | upper }}{% endfor %}", id="upper"
        ),
        pytest.param(
            "{% for a in range(99999) %}{% for b in range(a) %}1{% endfor %}{% endfor %}",
            id="triangle",
        ),
    ],
)
def test_what_takes_too_much_is_refused(text: str) -> None:
    """It is refused before it is made, whatever is multiplied with what."""
    with pytest.raises(TemplateRenderError) as caught:
        document(text, f=str)

    [finding] = caught.value.findings
    assert finding.code == "template.limit"
    assert finding.line == 1


@pytest.mark.usefixtures("peak")
@pytest.mark.parametrize(
    "text",
    [
        pytest.param("{{ 9 ** 9 ** 9 }}", id="tower"),
        pytest.param("{{ 2 ** 64 }}", id="power"),
        pytest.param("{{ (2 ** 62) * 4 }}", id="product"),
        pytest.param("{{ -(2 ** 62) * 4 }}", id="negative-product"),
        pytest.param("{{ 1e308 * 10 }}", id="float"),
        pytest.param("{{ 10.0 ** 400 }}", id="float-power"),
        pytest.param("{{ 0 ** -1 }}", id="power-of-nothing"),
        pytest.param("{{ (-8) ** 0.5 }}", id="root"),
        pytest.param("{{ ('9' * 30) | int }}", id="digits"),
        pytest.param("{{ '1e999' | float }}", id="text-as-float"),
        pytest.param("{{ 'inf' | float }}", id="infinite"),
        pytest.param("{{ 1e300 | round(15) }}", id="rounded"),
        pytest.param("{{ [2 ** 62, 2 ** 62, 2 ** 62] | sum }}", id="sum"),
        pytest.param("{% set a = 1 %}" + DEEP + "{{ a }}", id="deep-value"),
        pytest.param("{% set a = 1 %}" + DEEP + "{{ a == a }}", id="deep-values-compared"),
        pytest.param("{% set a = 1 %}" + DEEP + "{{ f(a) }}", id="deep-value-handed-over"),
        pytest.param("{{ 1[0] }}", id="item-of-a-number"),
        pytest.param("{{ [1]['a'] }}", id="item-by-name"),
        pytest.param("{{ [] | int }}", id="list-as-number"),
        pytest.param("{{ 1 | round(1, 'up') }}", id="way-of-rounding"),
        pytest.param("{{ 1 is divisibleby 0 }}", id="divisible-by-nothing"),
        pytest.param("{% if range %}{% endif %}", id="function-as-condition"),
        pytest.param("{{ 'abc' | replace('', 'x') }}", id="nothing-replaced"),
        pytest.param("{{ 'abc' | split('') }}", id="split-at-nothing"),
        pytest.param("{{ [1][::0] }}", id="no-step"),
        pytest.param("{{ range(1, 2, 0) }}", id="range-without-step"),
        pytest.param("{{ range() }}", id="range-of-nothing"),
    ],
)
def test_numbers_and_values_stay_small(text: str) -> None:
    """What no JSON reader could hold is an error of the template."""
    assert refusal(text) == "template.value"


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("{{ " + "(" * 5000 + "1" + ")" * 5000 + " }}", id="parentheses"),
        pytest.param("{{ " + "[" * 5000 + "]" * 5000 + " }}", id="lists"),
        pytest.param("{{ " + "not " * 5000 + "1 }}", id="not"),
        pytest.param("{{ " + "-" * 5000 + "1 }}", id="minus"),
        pytest.param("{{ 1" + " + 1" * 20_000 + " }}", id="sum"),
        pytest.param("{{ a" + ".b" * 20_000 + " }}", id="members"),
        pytest.param("{{ a" + "|d" * 20_000 + " }}", id="filters"),
        pytest.param("{{ 1" + " if 1 else 1" * 5000 + " }}", id="conditions"),
        pytest.param("{% if 1 %}" * 5000 + "{% endif %}" * 5000, id="ifs"),
        pytest.param("{% for a in b %}" * 200 + "{% endfor %}" * 200, id="fors"),
        pytest.param("{{" * 50_000, id="openings"),
        pytest.param("{{1}}" * 20_000, id="many"),
        pytest.param(" " * 100_001, id="long"),
    ],
)
def test_what_is_too_deep_or_too_long_is_refused(text: str) -> None:
    """However it is nested, reading it ends with our own error."""
    assert refusal(text) == "template.limit"


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("{{ " + "9" * 5000 + " }}", id="digits"),
        pytest.param("{{ 1e999 }}", id="infinite"),
        pytest.param("{{ '\\400' }}", id="octal"),
        pytest.param("{{ '\\N{BULLET}' }}", id="named-character"),
        pytest.param("{{ 'a", id="open-text"),
        pytest.param("{#" * 50_000, id="comments"),
        pytest.param("{% raw %}" * 10_000, id="raws"),
        pytest.param("{{ ? }}", id="strange-character"),
        pytest.param("{{ \u20ac }}", id="strange-name"),
    ],
)
def test_what_is_no_jinja_is_refused(text: str) -> None:
    """What its reader stumbles over is an error of ours, with a place."""
    assert refusal(text) == "template.syntax"


def test_half_a_character_is_refused() -> None:
    """What cannot be written as UTF-8 goes into no document."""
    assert refusal("{{ '\\ud800' }}") == "template.json"


def test_what_is_worked_out_is_paid_for() -> None:
    """Texts cost by their length, so that no step does much."""
    short, long = Fuel(), Fuel()

    run(read_program("{{ 'a' * 8 }}").tree, names={}, values={}, fuel=short)
    run(read_program("{{ 'a' * 80000 }}").tree, names={}, values={}, fuel=long)

    assert short.spent < 30
    assert long.spent > 80_000


def test_a_deep_stack_is_no_crash() -> None:
    """A template that is worked out where Python has few frames left is refused."""
    tree = read_program("{% for a in [1] %}" * 30 + "{{ a }}" + "{% endfor %}" * 30).tree

    def below(frames: int) -> object:
        if frames:
            return below(frames - 1)
        return run(tree, names={}, values={}, fuel=Fuel())

    left = sys.getrecursionlimit() - len(inspect.stack(0))
    with pytest.raises(TemplateFaultError, match="nested too deeply"):
        below(left - 40)


def test_a_template_for_a_hundred_nodes_takes_little() -> None:
    """The bound is far above what anybody needs."""
    node = '{"role": {{ "r" ~ n }}, "count": {{ cluster.db.count + n }}, "cpu": 1}'
    text = f'{{"nodes": [{{% for n in range(100) %}}{node},{{% endfor %}}]}}'
    fuel = Fuel()

    run(read_program(text).tree, names={}, values=TREE, fuel=fuel)

    assert fuel.spent < FUEL / 50


TOKENS = (
    *("{{", "}}", "{%", "%}", "{#", "#}", " for ", " in ", " if ", " else ", " elif ", " set "),
    *(" endfor ", " endif ", " not ", " and ", " or ", " is ", " defined ", "|", ".", ",", ":"),
    *("(", ")", "[", "]", "{", "}", "+", "-", "*", "/", "//", "%", "**", "~", "==", "<", "="),
    *("a", "cluster", "env", "name", "loop", "range", "'x'", '"', "1", "99", "2.5", "true", "none"),
    *(" ", "\n", "join", "default", "sort", "length", "items", "split", "replace", "\\", "\u20ac"),
)
STATEMENTS = (
    *("{{ a }}", "{{ cluster }}", "{% for a in range(3) %}", "{% endfor %}", "{% if a %}"),
    *("{% endif %}", "{% set a = [a, a] %}", "{% set a = 'x' * 99 %}", "{{ a | join(a) }}"),
    *("[", "]", ",", "{% set a = a ~ a %}", "{{ a * a }}", "{% else %}", '"', "{{ a[1:] }}"),
)


@pytest.mark.parametrize(
    "tokens",
    [pytest.param(TOKENS, id="tokens"), pytest.param(STATEMENTS, id="statements")],
)
@given(data=st.data())
@settings(max_examples=400, deadline=None, derandomize=True)
def test_any_template_ends_within_its_fuel(tokens: tuple[str, ...], data: st.DataObject) -> None:
    """Whatever it says, it gives a text no longer than it can pay for, or our own error."""
    text = "".join(data.draw(st.lists(st.sampled_from(tokens), max_size=30)))
    fuel = Fuel(2_000)
    try:
        pieces = run(read_program(text).tree, names={}, values=TREE, fuel=fuel)
        written = sum(len(piece.text) for piece in pieces)
    except TemplateFaultError as ex:
        written = len(ex.code) if ex.offset is not None else FUEL

    # a character costs an eighth of a step, and may be written as six
    assert written <= 2_000 * 8 * 6
    assert fuel.spent <= 2_000 or fuel.left < 0


@given(st.text(max_size=60))
@settings(max_examples=200, deadline=None, derandomize=True)
def test_any_text_is_filled_or_refused(text: str) -> None:
    """Nothing but our own error comes of a text."""
    try:
        found = [filled(text).document]
    except TemplateRenderError as ex:
        found = list(ex.findings)

    assert len(found) == 1
