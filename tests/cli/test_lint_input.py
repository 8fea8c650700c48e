"""What `frostline lint` makes of files, whatever is in them."""

import io
import json
import os
from pathlib import Path
from typing import Any

import pytest
import yaml

from frostline.cli.findings_report import FORMS, github, text
from frostline.cli.judging import Located, Place
from frostline.cli.yaml_tree import Mark
from frostline.core.finding import Finding, Rule
from tests.cli.linting import Ran, manifest, write


def test_folders_are_searched_in_order_and_every_file_once(lint: Ran) -> None:
    for path in ("b/z.yml", "b/deep/er/y.yaml", "a/x.yaml", "a/x.json", "a/README.md"):
        write(path, manifest(path.replace("/", "-"), tier=1, owner="me"))
    Path("a/loop").symlink_to("..")
    os.mkfifo("a/pipe.yaml")

    code, out, err = lint("b", ".", "a/x.yaml")

    assert code == 0
    files = [line.partition(":")[0] for line in out.splitlines()]
    assert files == ["b/z.yml", "b/deep/er/y.yaml", "./a/x.yaml"]
    assert err.startswith("3 Frostline objects in 3 files")


def test_standard_input(lint: Ran, monkeypatch: pytest.MonkeyPatch) -> None:
    given = yaml.safe_dump(manifest(tier=9)).encode()
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(given)))

    code, out, _ = lint("-")

    assert code == 1
    assert out.startswith("<stdin>:15:3: error: spec.tier: ")


def test_several_documents_lists_and_kinds_of_others(lint: Ran) -> None:
    config = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "x"}, "bogus": 1}
    namesake = {"apiVersion": "example.com/v1", "kind": "ServiceLevelObjective", "metadata": {"name": "x"}}
    listed = {"apiVersion": "v1", "kind": "List", "items": [config, manifest("b", tier=7)]}
    own = {
        "apiVersion": "frostline.dev/v1alpha1",
        "kind": "ServiceLevelObjectiveList",
        "items": [manifest("c", tier=8)],
    }
    policy = {
        "apiVersion": "frostline.dev/v1alpha1",
        "kind": "ErrorBudgetPolicy",
        "metadata": {"name": "p"},
        "spec": {"levels": {"depleting": 10, "endangered": 20}},
    }

    code, out, err = lint(write("all.yaml", config, namesake, None, [1], "x", listed, own, policy))

    assert code == 1
    assert [line.split(": ")[2] for line in out.splitlines()] == ["spec.tier", "spec.tier", "spec.levels"]
    assert err.startswith("3 Frostline objects in 1 file")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        pytest.param(b"a: [", "not valid YAML", id="YAML"),
        pytest.param(b"a: 1\nb: \xe4\n", "x.yaml:2:4: error: is not UTF-8: byte 0xe4", id="latin-1"),
        pytest.param(bytes(range(256)), "is not UTF-8", id="binary"),
        pytest.param(b"a: \x00", "control character U+0000", id="zero bytes"),
        pytest.param("a: 1".encode("utf-16"), "is not UTF-8: byte 0xff", id="utf-16"),
        pytest.param(b"[" * 100_000, "nested deeper", id="deep"),
        pytest.param(b"#" * (33 << 20), "larger than 32 MiB", id="huge"),
    ],
)
def test_a_file_that_is_no_manifest_ends_with_code_2(lint: Ran, content: bytes, said: str) -> None:
    Path("x.yaml").write_bytes(content)
    write("good.yaml", manifest(objective={"target": 100}))

    code, out, _ = lint("x.yaml", "good.yaml")

    assert code == 2
    assert said in out
    assert "good.yaml:12:5: error: spec.objective.target" in out


def test_files_that_cannot_be_read_end_with_code_2(lint: Ran) -> None:
    Path("empty").mkdir()

    code, out, _ = lint("missing.yaml", "empty", "nul\0byte")

    assert code == 2
    assert out == (
        "missing.yaml:1:1: error: cannot be read: No such file or directory (unreadable)\n"
        "empty:1:1: error: has no file that ends in .yaml or .yml, nor has a folder below it (unreadable)\n"
        "nul\\x00byte:1:1: error: is no file name: embedded null byte (unreadable)\n"
    )


def test_a_byte_order_mark_is_no_fault(lint: Ran) -> None:
    Path("x.yaml").write_bytes(b"\xef\xbb\xbf" + yaml.safe_dump(manifest()).encode())

    assert lint("x.yaml")[0] == 0


def test_duplicate_keys_are_errors_in_our_manifests_only(lint: Ran) -> None:
    ours = yaml.safe_dump(manifest()) + "  tier: 2\n  tier: 3\n"
    Path("x.yaml").write_text(f"kind: ConfigMap\ndata: {{a: 1, a: 2}}\n---\n{ours}")

    code, out, _ = lint("x.yaml")

    assert code == 1
    assert [line.rpartition("(")[2] for line in out.splitlines()] == ["duplicate-key)"]


HOSTILE = 'x"} or vector(1) #\n::error file=a::b\r\x1b[31m\u2028%0A'


@pytest.mark.parametrize("form", sorted(FORMS))
@pytest.mark.parametrize(
    "spec",
    [
        {"owner": HOSTILE, "tier": 9},
        {HOSTILE: 1},
        {"journey": HOSTILE * 100},
        {"indicator": {"ratio": {"bad": HOSTILE, "valid": HOSTILE}}},
        {"indicator": {"query": {"bad": HOSTILE, "valid": f"[$window]{HOSTILE}"}}},
        {"window": {"calendar": "Month", "timeZone": HOSTILE}},
        {"policyRef": HOSTILE * 20},
        {"indicator": {"category": HOSTILE}},
    ],
    ids=["owner", "field", "journey", "selector", "query", "zone", "policy", "category"],
)
def test_hostile_texts_are_shown_in_one_line(lint: Ran, form: str, spec: dict[str, Any]) -> None:
    hostile = {**manifest(**spec), "metadata": {"name": HOSTILE}}

    code, out, _ = lint("--format", form, write("x.yaml", hostile))

    assert code == 1
    if form in ("json", "sarif"):
        json.loads(out)
    else:
        lines = out.removesuffix("\n").split("\n")
        assert all(line.startswith(("x.yaml:", "::error file=x.yaml,", "::notice", "::warning")) for line in lines)
        assert "\r" not in out
        assert "\x1b" not in out or form == "github"


def test_workflow_commands_are_escaped() -> None:
    place = Place("a,b:c%.yaml", Mark(2, 3))
    said = Located(place, Finding(Rule.INVALID, "spec", "spec: 100 %\nnext: line, here"))

    assert github([said]) == (
        "::error file=a%2Cb%3Ac%25.yaml,line=2,col=3,title=frostline invalid::spec: 100 %25%0Anext: line, here\n"
    )


def test_a_name_that_is_no_unicode_is_spelled_out() -> None:
    said = [Located(Place("a\udcff\n.yaml", Mark(1, 1)), Finding(Rule.INVALID, "", "x"))]

    assert text(said) == "a\\udcff\\n.yaml:1:1: error: x (invalid)\n"
    for form in FORMS.values():
        form(said).encode()
