"""Languages are understood as browsers and systems name them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pitrix_core.service.languages import language_of, preferred


@pytest.mark.parametrize(
    ("header", "language"),
    [
        pytest.param(None, "en", id="nothing"),
        pytest.param("", "en", id="empty"),
        pytest.param("zh-CN", "zh-CN", id="one"),
        pytest.param("de;q=0.5, fr;q=0.8, en;q=0.1", "fr", id="by-weight"),
        pytest.param("de, fr", "de", id="the-first-of-equals"),
        pytest.param("de ; q=0.3 , fr;Q=1.0", "fr", id="spaces-and-cases"),
        pytest.param("de;q=0, *", "en", id="anything-but-one"),
        pytest.param("de;q=2, fr;q=0.1", "fr", id="a-weight-that-is-none"),
        pytest.param("../etc, fr;q=0.1", "fr", id="a-language-that-is-none"),
        pytest.param("x," * 5000 + "de", "x", id="too-many"),
    ],
)
def test_the_language_wanted_most_is_found(header: str | None, language: str) -> None:
    """What cannot be read is left out."""
    assert preferred(header) == language


@given(st.text(max_size=60))
def test_no_header_is_too_strange(header: str) -> None:
    """Whatever it says, the answer is a language."""
    assert preferred(header).replace("-", "").isalnum()


@pytest.mark.parametrize(
    ("environ", "language"),
    [
        pytest.param({"LANG": "zh_CN.UTF-8"}, "zh-CN", id="with-territory"),
        pytest.param({"LANG": "de"}, "de", id="alone"),
        pytest.param({"LANG": "de_AT@euro"}, "de-AT", id="with-modifier"),
        pytest.param({"LANG": "de", "LC_MESSAGES": "fr", "LC_ALL": ""}, "fr", id="messages-first"),
        pytest.param({"LANG": "de", "LC_ALL": "C.UTF-8"}, None, id="of-programs"),
        pytest.param({}, None, id="nothing"),
        pytest.param({"LANG": "ümlaut"}, None, id="not-a-language"),
    ],
)
def test_a_systems_locale_is_a_language(environ: dict[str, str], language: str | None) -> None:
    """The strongest setting counts, as for any other program."""
    assert language_of(environ) == language
