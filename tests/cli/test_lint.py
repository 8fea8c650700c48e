"""`frostline lint` as people and pipelines run it."""

import io
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from frostline.cli.findings_report import FORMS, github, text
from frostline.cli.judging import Located, Place
from frostline.cli.main import main
from frostline.cli.yaml_tree import Mark
from frostline.core.finding import ABOUT, Finding, Rule

GOLDEN = Path(__file__).parent / "golden"
REPOSITORY = Path(__file__).parents[2]

Lint = Callable[..., tuple[int, str, str]]


@pytest.fixture
def lint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Lint:
    """Run `frostline lint` in a temporary folder; return its exit code and both of its outputs."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str) -> tuple[int, str, str]:
        code = main(["lint", *arguments])
        out, err = capsys.readouterr()
        return code, out, err

    return run


def manifest(name: str = "a", *, namespace: str = "dating", **spec: Any) -> dict[str, Any]:
    return {
        "apiVersion": "frostline.dev/v1alpha1",
        "kind": "ServiceLevelObjective",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {
            "indicator": {"ratio": {"bad": 'x{job="a",code="5"}', "valid": 'x{job="a"}'}},
            "objective": {"target": 99.9},
            "window": {"rolling": "30d"},
            "review": {"last": "2026-10-01"},
            **spec,
        },
    }


def write(path: str, *manifests: Any) -> str:
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Path(path).write_text(yaml.safe_dump_all(manifests, sort_keys=False))
    return path


def numbered(count: int, **spec: Any) -> list[str]:
    """Return manifests as texts that differ where `spec` or the name says NUMBER: quicker than to dump each."""
    text = yaml.safe_dump(manifest("oNUMBER", **spec), sort_keys=False)
    return [text.replace("NUMBER", str(number)) for number in range(count)]


def golden(name: str, found: str) -> None:
    path = GOLDEN / name
    if os.environ.get("UPDATE_GOLDEN"):
        path.write_text(found)
    assert found == path.read_text(), f"if the change of {name} is meant, run UPDATE_GOLDEN=1 pytest tests/cli"


@pytest.mark.parametrize("form", sorted(FORMS))
def test_every_form_of_the_same_findings(lint: Lint, form: str) -> None:
    Path("slo.yaml").write_text((GOLDEN / "slo.yaml").read_text())

    code, out, _ = lint("--format", form, "slo.yaml")

    assert code == 1
    golden(f"slo.{form}", out)


def test_nothing_to_say(lint: Lint) -> None:
    code, out, err = lint(write("slo.yaml", manifest()))

    assert (code, out) == (0, "")
    assert err == "1 Frostline object in 1 file: 0 errors, 0 warnings, 0 info\n"


def test_warnings_fail_only_if_asked_to(lint: Lint) -> None:
    write("slo.yaml", manifest(tier=1))

    assert lint("slo.yaml")[0] == 0
    assert lint("--strict", "slo.yaml")[0] == 1


def test_notes_do_not_fail(lint: Lint) -> None:
    code, out, _ = lint("--strict", write("slo.yaml", manifest(review={})))

    assert code == 0
    assert "info: spec.review.last: no review is on record" in out


def test_errors_fail(lint: Lint) -> None:
    assert lint(write("slo.yaml", manifest(objective={"target": 100})))[0] == 1


def test_folders_are_searched_in_order_and_every_file_once(lint: Lint) -> None:
    for path in ("b/z.yml", "b/deep/er/y.yaml", "a/x.yaml", "a/x.json", "a/README.md"):
        write(path, manifest(path.replace("/", "-"), tier=1, owner="me"))
    Path("a/loop").symlink_to("..")
    os.mkfifo("a/pipe.yaml")

    code, out, err = lint("b", ".", "a/x.yaml")

    assert code == 0
    files = [line.partition(":")[0] for line in out.splitlines()]
    assert files == ["b/z.yml", "b/deep/er/y.yaml", "./a/x.yaml"]
    assert err.startswith("3 Frostline objects in 3 files")


def test_standard_input(lint: Lint, monkeypatch: pytest.MonkeyPatch) -> None:
    given = yaml.safe_dump(manifest(tier=9)).encode()
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(given)))

    code, out, _ = lint("-")

    assert code == 1
    assert out.startswith("<stdin>:15:3: error: spec.tier: ")


def test_several_documents_lists_and_kinds_of_others(lint: Lint) -> None:
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


def test_the_place_is_that_of_the_field_or_of_what_is_around_it(lint: Lint) -> None:
    Path("slo.yaml").write_text(
        """\
kind: ServiceLevelObjective
apiVersion: frostline.dev/v1alpha1
metadata: {name: a}
spec:
  objective:
    target: 100
  window: {rolling: 30d}
  indicator:
    ratio: {valid: 'x{job="a"}', bad: 'x{job="b"}'}
  protects:
    - {kind: Deployment, name: a}
    - kind: Deployment
  review: {last: 2026-10-01}
  tier: 1
"""
    )
    _, out, _ = lint("slo.yaml")
    assert [line.partition(" ")[0] for line in out.splitlines()] == ["slo.yaml:6:5:", "slo.yaml:12:7:"]

    Path("slo.yaml").write_text(
        Path("slo.yaml").read_text().replace("100", "99").replace("    - kind: Deployment\n", "")
    )
    _, out, _ = lint("slo.yaml")
    assert [line.partition(" ")[0] for line in out.splitlines()] == [
        "slo.yaml:4:1:",
        "slo.yaml:4:1:",
        "slo.yaml:9:34:",
    ]


def test_names_are_compared_over_all_files(lint: Lint) -> None:
    write("1.yaml", manifest("a"), manifest("b"))
    write("2.yaml", manifest("a", namespace="other"), manifest("b"))

    code, out, _ = lint("1.yaml", "2.yaml")

    assert code == 1
    assert out == (
        "2.yaml:21:3: error: metadata.name: there is a ServiceLevelObjective dating/b already, in 1.yaml:21:"
        " the later would overwrite it; rename one of them (duplicate-name)\n"
    )


def test_journeys_are_counted_over_all_files_by_namespace(lint: Lint) -> None:
    write("1.yaml", *(manifest(f"a{index}", journey="matching") for index in range(3)))
    write("2.yaml", manifest("b", namespace="other", journey="matching"))
    assert lint("1.yaml", "2.yaml")[1] == ""

    write("2.yaml", manifest("b", journey="matching"))
    code, out, _ = lint("1.yaml", "2.yaml")

    assert code == 0
    assert out.startswith("2.yaml:17:3: warning: spec.journey: ")
    assert "has 4 indicators" in out


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"metadata": {}}, "metadata.name"),
        ({"metadata": {"name": "A"}}, "metadata.name"),
        ({"metadata": {"name": "a" * 254}}, "metadata.name"),
        ({"metadata": {"name": 7}}, "metadata.name"),
        ({"metadata": {"name": "a", "namespace": "a.b"}}, "metadata.namespace"),
        ({"metadata": {"name": "a", "labels": {"tier": 1}}}, "metadata.labels.tier"),
        ({"metadata": {"name": "a", "annotations": {"on": True}}}, "metadata.annotations.on"),
        ({"metadata": 3}, "metadata.name"),
        ({"apiVersion": "frostline.dev/v1"}, "apiVersion"),
        ({"kind": "ServiceLevelObjectives"}, "kind"),
        ({"specs": {}}, "specs"),
        ({"spec": None}, "spec"),
        ({"spec": []}, "spec"),
    ],
)
def test_what_stands_around_the_spec(lint: Lint, change: dict[str, Any], field: str) -> None:
    code, out, _ = lint(write("slo.yaml", {**manifest(), **change}))

    assert code == 1
    assert [line.split(": ")[1:3] for line in out.splitlines()] == [["error", field]]


@pytest.mark.parametrize(
    "metadata", [{"generateName": "a-"}, {"name": "a.b-c"}, {"name": "a" * 253}, {"name": "a", "labels": {"a": "b"}}]
)
def test_names_that_the_api_server_takes(lint: Lint, metadata: dict[str, Any]) -> None:
    assert lint(write("slo.yaml", {**manifest(), "metadata": metadata}))[:2] == (0, "")


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
def test_a_file_that_is_no_manifest_ends_with_code_2(lint: Lint, content: bytes, said: str) -> None:
    Path("x.yaml").write_bytes(content)
    write("good.yaml", manifest(objective={"target": 100}))

    code, out, _ = lint("x.yaml", "good.yaml")

    assert code == 2
    assert said in out
    assert "good.yaml:12:5: error: spec.objective.target" in out


def test_files_that_cannot_be_read_end_with_code_2(lint: Lint) -> None:
    Path("empty").mkdir()

    code, out, _ = lint("missing.yaml", "empty", "nul\0byte")

    assert code == 2
    assert out == (
        "missing.yaml:1:1: error: cannot be read: No such file or directory (unreadable)\n"
        "empty:1:1: error: has no file that ends in .yaml or .yml, nor has a folder below it (unreadable)\n"
        "nul\\x00byte:1:1: error: is no file name: embedded null byte (unreadable)\n"
    )


def test_a_byte_order_mark_is_no_fault(lint: Lint) -> None:
    Path("x.yaml").write_bytes(b"\xef\xbb\xbf" + yaml.safe_dump(manifest()).encode())

    assert lint("x.yaml")[0] == 0


def test_duplicate_keys_are_errors_in_our_manifests_only(lint: Lint) -> None:
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
def test_hostile_texts_are_shown_in_one_line(lint: Lint, form: str, spec: dict[str, Any]) -> None:
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


def test_sarif_is_what_scanners_read(lint: Lint) -> None:
    path = str(Path(write("with space/ü.yaml", manifest(tier=1))).absolute())
    _, out, _ = lint("--format", "sarif", "with space/ü.yaml", path)

    log = json.loads(out)

    assert log["version"] == "2.1.0"
    (run,) = log["runs"]
    rules = run["tool"]["driver"]["rules"]
    assert [rule["id"] for rule in rules] == [rule.value for rule in Rule]
    for result in run["results"]:
        assert rules[result["ruleIndex"]]["id"] == result["ruleId"]
        assert result["level"] in ("error", "warning", "note")
        (location,) = result["locations"]
        assert location["physicalLocation"]["artifactLocation"]["uri"] == "with%20space/%C3%BC.yaml"
        assert location["physicalLocation"]["region"]["startLine"] == 6
    _, out, _ = lint("--format", "sarif", path)
    uri = json.loads(out)["runs"][0]["results"][0]["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
    assert uri.startswith("file:///")


def test_no_findings_in_forms_for_machines(lint: Lint) -> None:
    write("slo.yaml", manifest())

    assert lint("--format", "json", "slo.yaml") == (0, '{\n  "findings": []\n}\n', "")
    assert lint("--format", "github", "slo.yaml") == (0, "", "")
    assert json.loads(lint("--format", "sarif", "slo.yaml")[1])["runs"][0]["results"] == []


def test_usage_errors_end_with_code_2(lint: Lint) -> None:
    for arguments in ([], ["--format", "xml", "x.yaml"]):
        with pytest.raises(SystemExit) as ended:
            lint(*arguments)
        assert ended.value.code == 2


def test_a_reader_who_has_enough_is_no_error(tmp_path: Path) -> None:
    (tmp_path / "x.yaml").write_text("---\n".join(numbered(500, tier=1)))
    with subprocess.Popen(
        [sys.executable, "-m", "frostline.cli.main", "lint", "x.yaml"],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == "500 Frostline objects in 1 file: 0 errors, 1000 warnings, 0 info\n"
        assert process.wait() == 0


def test_what_lint_does_not_import() -> None:
    code = (
        "import sys; from frostline.cli.main import main; main(['lint', sys.argv[1]]);"
        " print([name for name in ('numpy', 'kubernetes', 'kopf', 'aiohttp', 'requests') if name in sys.modules])"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code, str(GOLDEN / "slo.yaml")], capture_output=True, text=True, check=True
    )

    assert ran.stdout.splitlines()[-1] == "[]"


def test_a_thousand_manifests_take_about_a_second(lint: Lint) -> None:
    Path("many").mkdir()
    for index, each in enumerate(numbered(1000, owner="me", journey="jTHIRD")):
        Path(f"many/{index}.yaml").write_text(each.replace("THIRD", str(index // 3)))
    lint("many/0.yaml")

    begun = time.process_time()
    code, _, err = lint("many")

    assert code == 0
    assert err.startswith("1000 Frostline objects in 1000 files: 0 errors, 0 warnings")
    assert time.process_time() - begun < 3


def test_no_example_raises_a_warning(lint: Lint) -> None:
    for path in sorted((REPOSITORY / "examples").rglob("*.yaml")):
        code, out, _ = lint("--strict", str(path))

        assert code == 0, out


def test_every_rule_is_in_the_documentation() -> None:
    _, _, rules = (REPOSITORY / "docs" / "lint.md").read_text().partition("## Rules")
    rows = [row.split("|") for row in rules.splitlines() if row.startswith("| `")]
    documented = {row[1].strip(" `"): row[2].strip() for row in rows}

    assert documented == {rule.value: ABOUT[rule].severity.value for rule in Rule}
