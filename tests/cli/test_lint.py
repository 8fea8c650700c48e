"""`frostline lint` as people and pipelines run it."""

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from frostline.cli.findings_report import FORMS
from frostline.core.finding import ABOUT, Rule
from tests.cli.linting import GOLDEN, REPOSITORY, Ran, golden, manifest, numbered, write


@pytest.mark.parametrize("form", sorted(FORMS))
def test_every_form_of_the_same_findings(lint: Ran, form: str) -> None:
    Path("slo.yaml").write_text((GOLDEN / "slo.yaml").read_text())

    code, out, _ = lint("--format", form, "slo.yaml")

    assert code == 1
    golden(f"slo.{form}", out)


def test_nothing_to_say(lint: Ran) -> None:
    code, out, err = lint(write("slo.yaml", manifest()))

    assert (code, out) == (0, "")
    assert err == "1 Frostline object in 1 file: 0 errors, 0 warnings, 0 info\n"


def test_warnings_fail_only_if_asked_to(lint: Ran) -> None:
    write("slo.yaml", manifest(tier=1))

    assert lint("slo.yaml")[0] == 0
    assert lint("--strict", "slo.yaml")[0] == 1


def test_notes_do_not_fail(lint: Ran) -> None:
    code, out, _ = lint("--strict", write("slo.yaml", manifest(review={})))

    assert code == 0
    assert "info: spec.review.last: no review is on record" in out


def test_errors_fail(lint: Ran) -> None:
    assert lint(write("slo.yaml", manifest(objective={"target": 100})))[0] == 1


def test_the_place_is_that_of_the_field_or_of_what_is_around_it(lint: Ran) -> None:
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


def test_names_are_compared_over_all_files(lint: Ran) -> None:
    write("1.yaml", manifest("a"), manifest("b"))
    write("2.yaml", manifest("a", namespace="other"), manifest("b"))

    code, out, _ = lint("1.yaml", "2.yaml")

    assert code == 1
    assert out == (
        "2.yaml:21:3: error: metadata.name: there is a ServiceLevelObjective dating/b already, in 1.yaml:21:"
        " the later would overwrite it; rename one of them (duplicate-name)\n"
    )


def test_journeys_are_counted_over_all_files_by_namespace(lint: Ran) -> None:
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
def test_what_stands_around_the_spec(lint: Ran, change: dict[str, Any], field: str) -> None:
    code, out, _ = lint(write("slo.yaml", {**manifest(), **change}))

    assert code == 1
    assert [line.split(": ")[1:3] for line in out.splitlines()] == [["error", field]]


@pytest.mark.parametrize(
    "metadata", [{"generateName": "a-"}, {"name": "a.b-c"}, {"name": "a" * 253}, {"name": "a", "labels": {"a": "b"}}]
)
def test_names_that_the_api_server_takes(lint: Ran, metadata: dict[str, Any]) -> None:
    assert lint(write("slo.yaml", {**manifest(), "metadata": metadata}))[:2] == (0, "")


def test_sarif_is_what_scanners_read(lint: Ran) -> None:
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


def test_no_findings_in_forms_for_machines(lint: Ran) -> None:
    write("slo.yaml", manifest())

    assert lint("--format", "json", "slo.yaml") == (0, '{\n  "findings": []\n}\n', "")
    assert lint("--format", "github", "slo.yaml") == (0, "", "")
    assert json.loads(lint("--format", "sarif", "slo.yaml")[1])["runs"][0]["results"] == []


def test_usage_errors_end_with_code_2(lint: Ran) -> None:
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


def test_a_thousand_manifests_take_about_a_second(lint: Ran) -> None:
    Path("many").mkdir()
    for index, each in enumerate(numbered(1000, owner="me", journey="jTHIRD")):
        Path(f"many/{index}.yaml").write_text(each.replace("THIRD", str(index // 3)))
    lint("many/0.yaml")

    begun = time.process_time()
    code, _, err = lint("many")

    assert code == 0
    assert err.startswith("1000 Frostline objects in 1000 files: 0 errors, 0 warnings")
    assert time.process_time() - begun < 3


def test_no_example_raises_a_warning(lint: Ran) -> None:
    for path in sorted((REPOSITORY / "examples").rglob("*.yaml")):
        code, out, _ = lint("--strict", str(path))

        assert code == 0, out


def test_every_rule_is_in_the_documentation() -> None:
    _, _, rules = (REPOSITORY / "docs" / "lint.md").read_text().partition("## Rules")
    rows = [row.split("|") for row in rules.splitlines() if row.startswith("| `")]
    documented = {row[1].strip(" `"): row[2].strip() for row in rows}

    assert documented == {rule.value: ABOUT[rule].severity.value for rule in Rule}
