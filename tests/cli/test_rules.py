"""`frostline rules` as people and pipelines run it."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from frostline.core.health_alerts import HEALTH_ALERTS
from frostline.core.rules import MOST_RULES
from frostline.names import Alert, Recorded
from tests.cli.linting import Ran, manifest, numbered, write
from tests.support.golden import REPOSITORY, check
from tests.support.promtool import check as check_rules

GOLDEN = Path(__file__).parent / "golden"


def groups(text: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = yaml.safe_load(text)["groups"]
    return found


def example(name: str) -> list[str]:
    folder = REPOSITORY / "examples" / name
    return [str(path) for path in sorted(folder.glob("*.yaml"))]


@pytest.mark.parametrize("name", ["indicators", "soulsync"])
def test_the_examples(rules: Ran, name: str) -> None:
    code, out, _ = rules("-f", *example(name))

    assert code == 0
    check(GOLDEN / f"rules-{name}.yaml", out)


def test_prometheus_takes_the_rules_of_the_examples(rules: Ran) -> None:
    paths = []
    for name in ("indicators", "soulsync"):
        for profile in ("burn", "pace", "none"):
            paths.append(Path(f"{name}-{profile}.yaml"))
            paths[-1].write_text(rules("--alerts", profile, "-f", *example(name))[1])
    assert rules("--output-dir", "shards", "-f", *example("indicators"))[0] == 0

    said = check_rules(*paths, *sorted(Path("shards").iterdir()))

    assert said.count("SUCCESS") == len(paths) + 2


def test_every_alert_has_its_heading_in_the_documentation() -> None:
    text = (REPOSITORY / "docs" / "alerts.md").read_text()

    assert all(f"### {alert}\n" in text and f"| {alert} |" in text for alert in Alert)


def test_rules_in_all_are_three_a_promise_and_about_thirty(rules: Ran) -> None:
    Path("slo.yaml").write_text("---\n".join(numbered(300)))

    _, out, _ = rules("-f", "slo.yaml")

    counted = {group["name"]: len(group["rules"]) for group in groups(out)}
    assert max(counted.values()) <= MOST_RULES
    # Those about ourselves are no matter of how many promises there are.
    assert counted.pop("frostline-health") == len(HEALTH_ALERTS)
    assert 3 * 300 + 20 <= sum(counted.values()) <= 3 * 300 + 30


def test_every_form_says_the_same(rules: Ran) -> None:
    write("slo.yaml", manifest(owner="team «ä» #1\u2028: [x]", tier=1, journey="{{ $labels }}"))
    plain = groups(rules("-f", "slo.yaml")[1])

    objects = list(yaml.safe_load_all(rules("-f", "slo.yaml", "--format", "prometheusrule")[1]))
    maps = list(yaml.safe_load_all(rules("-f", "slo.yaml", "--format", "configmap", "--rules-namespace", "mon")[1]))

    assert [group for each in objects for group in each["spec"]["groups"]] == plain
    assert [group for each in maps for text in each["data"].values() for group in groups(text)] == plain
    assert {each["metadata"]["namespace"] for each in maps} == {"mon"}
    (allowed,) = (
        rule for group in plain for rule in group["rules"] if rule.get("record", "").endswith("allowed:ratio")
    )
    assert allowed["labels"]["owner"] == "team «ä» #1\u2028: [x]"
    assert allowed["labels"]["journey"] == "{{ $labels }}"


def test_errors_stand_at_their_line_and_nothing_is_written(rules: Ran) -> None:
    write("slo.yaml", manifest("fine"), manifest("broken", objective={"target": 100}))

    code, out, err = rules("-f", "slo.yaml", "--output-dir", "out")

    assert (code, out) == (1, "")
    assert err.startswith("slo.yaml:")
    assert "error: spec.objective.target: " in err
    assert not Path("out").exists()


def test_what_cannot_be_read(rules: Ran) -> None:
    code, out, err = rules("-f", "nowhere.yaml")

    assert (code, out) == (2, "")
    assert "nowhere.yaml:1:1: error: cannot be read" in err


def test_a_folder_that_cannot_be_written(rules: Ran) -> None:
    write("slo.yaml", manifest())

    code, _, err = rules("-f", "slo.yaml", "--output-dir", "slo.yaml")

    assert code == 2
    assert err == "slo.yaml cannot be written: File exists\n"


def test_manifests_without_a_namespace(rules: Ran) -> None:
    nowhere = manifest()
    del nowhere["metadata"]["namespace"]
    write("a.yaml", nowhere)
    write("b.yaml", manifest(namespace="shop"))

    assert 'namespace: "shop"' in rules("-f", "a.yaml", "--namespace", "shop")[1]
    code, _, err = rules("-f", "a.yaml", "-f", "b.yaml", "--namespace", "shop")
    assert code == 1
    assert "b.yaml:4:3: error: metadata.name: shop/a stands in a.yaml:4 already" in err


def test_thresholds_that_can_never_fire_are_told(rules: Ran) -> None:
    write("slo.yaml", manifest(objective={"target": 80}))

    assert "burn-never-fires" in rules("-f", "slo.yaml")[2]
    code, _, err = rules("-f", "slo.yaml", "--alerts", "pace")
    assert code == 0
    assert err.count("burn-never-fires") == 1
    assert "the alert is left out: red/30m at burn rate 10" in err


def test_an_objective_chooses_its_alerts(rules: Ran) -> None:
    chosen = {"burn": {"profile": "Burn"}, "pace": {"profile": "Pace", "minimumBad": 25}, "none": {"profile": "None"}}
    own = [manifest(name, alerting=choice) for name, choice in chosen.items()]
    write("slo.yaml", *own, manifest("neither", alerting={"minimumBad": 3}, review={"last": "2026-09-01"}))

    found = groups(rules("-f", "slo.yaml", "--alerts", "pace")[1])

    labels = {
        rule["labels"]["name"]: rule["labels"]
        for group in found
        for rule in group["rules"]
        if rule.get("record") == Recorded.ALLOWED
    }
    told = ("alerting", "minimum_bad", "review_due")
    assert {name: tuple(of.get(label) for label in told) for name, of in labels.items()} == {
        "burn": ("burn", None, "2026-12-30"),
        "pace": ("pace", "25", "2026-12-30"),
        "none": ("none", None, "2026-12-30"),
        "neither": ("pace", "3", "2026-11-30"),
    }
    alerts = {rule["alert"] for group in found for rule in group["rules"] if "alert" in rule}
    assert alerts == set(Alert)


def test_a_change_rewrites_one_shard(rules: Ran) -> None:
    texts = numbered(600)
    Path("slo.yaml").write_text("---\n".join(texts))
    assert rules("-f", "slo.yaml", "--output-dir", "out")[0] == 0
    Path("out/theirs.yaml").write_text("groups: []\n")
    before = {path.name: path.stat().st_mtime_ns for path in Path("out").iterdir()}
    assert len(before) > 4

    texts[17] = texts[17].replace("99.9", "99.5")
    Path("slo.yaml").write_text("---\n".join(reversed(texts)))
    err = rules("-f", "slo.yaml", "--output-dir", "out")[2]

    assert err.endswith("1 changed\n")
    after = {path.name: path.stat().st_mtime_ns for path in Path("out").iterdir()}
    assert sum(after[name] != before[name] for name in before) == 1


def test_shards_that_are_no_more_are_removed(rules: Ran) -> None:
    Path("slo.yaml").write_text("---\n".join(numbered(300)))
    rules("-f", "slo.yaml", "--output-dir", "out")
    Path("out/frostline-own.yaml").write_text("groups: []\n")
    Path("slo.yaml").write_text(numbered(1)[0])

    assert rules("-f", "slo.yaml", "--output-dir", "out")[0] == 0

    assert sorted(path.name for path in Path("out").iterdir()) == [
        "frostline-own.yaml",
        "frostline-shared.yaml",
        "frostline-slos.yaml",
    ]


def test_a_thousand_promises_in_about_a_second(rules: Ran) -> None:
    Path("slo.yaml").write_text("---\n".join(numbered(1000)))
    best = min(_seconds(rules) for _ in range(2))

    # A second of processor time on the machine that the figure was set on, with room for slower ones.
    assert best < 4


def test_help_does_not_wait_for_the_models() -> None:
    script = "import sys; from frostline.cli.main import parser; parser({}); print('pydantic' in sys.modules)"
    said = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout

    assert said == "False\n"


def _seconds(rules: Ran) -> float:
    import time  # noqa: PLC0415

    start = time.process_time()
    assert rules("-f", "slo.yaml")[0] == 0
    return time.process_time() - start
