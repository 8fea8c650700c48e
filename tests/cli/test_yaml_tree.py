from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from frostline.cli.yaml_tree import MOST_DEPTH, Document, Fault, Node, documents
from frostline.core.finding import Rule


def one(text: str) -> Document:
    (document,) = documents(text)
    assert isinstance(document, Document), document
    return document


def fault(text: str) -> Fault:
    *_, last = documents(text)
    assert isinstance(last, Fault)
    assert last.rule is Rule.YAML
    return last


# The library's own writer does not keep line breaks of other kinds, and quotes no 1e3 or y, which kubectl needs.
TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x85\u2028\u2029"), max_size=12).filter(
    lambda text: text[:1] not in set("+-.0123456789") and text not in set("yYnN")
)


def at(node: Node, where: str | int) -> Node:
    if isinstance(node.value, dict) and isinstance(where, str):
        return node.value[where]
    assert isinstance(node.value, list)
    assert isinstance(where, int)
    return node.value[where]


SCALARS = TEXT | st.booleans() | st.integers(-(10**20), 10**20) | st.floats(allow_nan=False)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(TEXT.filter(lambda key: key != "<<"), VALUES, max_size=4))
def test_reads_what_was_written(value: dict[str, Any]) -> None:
    assert one(yaml.safe_dump(value, allow_unicode=True)).root.plain() == value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("99.9", 99.9),
        ("100", 100),
        ("-1", -1),
        ("1e3", 1000.0),
        (".5", 0.5),
        ("0x10", 16),
        ("010", 8),
        ("089", 89.0),
        ("+", "+"),
        ("-.inf", float("-inf")),
        ("2026-10-01", "2026-10-01"),
        ("1:30", "1:30"),
        ("30d", "30d"),
        ("Off", False),
        ("yes", True),
        ("'yes'", "yes"),
        ("!!str 1", "1"),
        ("! 1", "1"),
        ("!!int '1'", 1),
        ("9" * 5000, "9" * 5000),
        ("1e999", float("inf")),
    ],
)
def test_scalars_as_kubectl_reads_them(text: str, value: object) -> None:
    read = one(f"a: {text}\n").root.plain()["a"]

    assert read == value
    assert type(read) is type(value)


def test_null_in_a_mapping_is_absent() -> None:
    assert one("a: null\nb:\nc: ~\nd: [null, 1]\n").root.plain() == {"d": [None, 1]}


def test_places() -> None:
    root = one("a: 1\nb:\n  - c: ü\n    d: {e: 2}\n").root

    assert root.key_mark("b") == (2, 1)
    item = at(at(root, "b"), 0)
    assert item.mark == (3, 5)
    assert item.key_mark("d") == (4, 5)
    assert at(item, "d").key_mark("e") == (4, 9)
    assert root.key_mark("c") is None


def test_documents_are_separate_and_empty_ones_are_left_out() -> None:
    found = list(documents("---\n---\na: 1\n...\n---\nb: &x 2\n---\n# nothing\n"))

    assert [each.root.plain() for each in found if isinstance(each, Document)] == [{"a": 1}, {"b": 2}]


def test_aliases_and_merges() -> None:
    read = one("a: &x {p: 1, q: 2}\nb: {<<: *x, q: 3}\nc: {q: 4, <<: [*x, {r: 5}]}\nd: [*x]\n").root.plain()

    assert read["b"] == {"p": 1, "q": 3}
    assert read["c"] == {"p": 1, "q": 4, "r": 5}
    assert read["d"] == [{"p": 1, "q": 2}]


def test_duplicate_keys_are_reported_and_the_last_one_counts() -> None:
    document = one("a: 1\nb: {c: 1, c: 2}\na: 3\n")

    assert document.root.plain() == {"a": 3, "b": {"c": 2}}
    assert [(each.mark, each.message) for each in document.faults] == [
        ((2, 11), 'key "c" stands twice, first in line 2; remove one of them'),
        ((3, 1), 'key "a" stands twice, first in line 1; remove one of them'),
    ]


@pytest.mark.parametrize(
    ("text", "place", "part"),
    [
        pytest.param("a: [1\n", (2, 1), "not valid YAML", id="not closed"),
        pytest.param("a:\n\tb: 1\n", (2, 1), "not valid YAML", id="tab"),
        pytest.param("a: 1\nb: \x00\n", (2, 4), "control character U+0000", id="zero byte"),
        pytest.param("a: *b\n", (1, 4), "no anchor", id="unknown anchor"),
        pytest.param("a: &a [*a]\n", (1, 8), "holds itself", id="recursion"),
        pytest.param("a: {{ .Values.x }}\n", (1, 5), "key that is no text", id="template"),
        pytest.param("[" * 100_000, (1, MOST_DEPTH + 1), "nested deeper", id="deep flow"),
        pytest.param("- " * 100_000, (1, 2 * MOST_DEPTH + 1), "nested deeper", id="deep block"),
        pytest.param("{a: " * 100_000, (1, 4 * MOST_DEPTH + 1), "nested deeper", id="deep mappings"),
        pytest.param("? " * 100_000, (1, 3), "key that is no text", id="deep keys"),
        pytest.param("%YAML 9.9\n---\na: 1\n", (1, 1), "not valid YAML", id="another YAML"),
        pytest.param("a: &x 1\nb: {<<: *x}\n", (1, 4), "merges", id="merge of a number"),
    ],
)
def test_faults_have_a_place_and_a_reason(text: str, place: tuple[int, int], part: str) -> None:
    found = fault(text)

    assert part in found.message
    assert found.mark == place


def test_a_few_lines_do_not_become_billions() -> None:
    bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
    bomb += "".join(f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]\n" for i in range(1, 10))

    assert "grows by aliases" in fault(bomb).message


def test_aliases_do_not_nest_deeper_than_brackets() -> None:
    chain = "a0: &a0 [x]\n" + "".join(f"a{i}: &a{i} [*a{i - 1}]\n" for i in range(1, 100))

    assert "nested deeper" in fault(chain).message


@given(st.text(max_size=60))
def test_any_text_is_read_or_refused(text: str) -> None:
    for each in documents(text):
        if isinstance(each, Document):
            each.root.plain()


@given(st.lists(st.sampled_from(["- ", "a: ", "&x ", "*x ", "? ", "[", "]", "{", "}", "\n", "  ", "<<: ", "1", "'"])))
def test_any_yaml_like_text_is_read_or_refused(parts: list[str]) -> None:
    for each in documents("".join(parts)):
        if isinstance(each, Document):
            each.root.plain()
