"""The operator delivers rules by itself: to a real API server, and from there to a Prometheus that evaluates them."""

import json
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from e2e import truth
from e2e.api import Api
from e2e.api_proxy import ApiProxy, Asked, Say
from e2e.cluster.chart import NAMESPACE as OWN_NAMESPACE
from e2e.cluster.cluster import Cluster
from e2e.cluster.fixtures import RunsKubectl, RunsOperator
from e2e.cluster.kubectl import run
from e2e.cluster.operator_process import OperatorProcess
from e2e.cluster.waiting import eventually
from e2e.delivered import OWN, SHARED, allow_rules, flags, promise, versions, whose
from e2e.rule_reader import KIND, SELECTED, RuleReader, same
from e2e.service import Service, apply, services
from e2e.shop import GATEWAY, Shop
from frostline.kubernetes.rules import CONFIG_MAPS, PROMETHEUS_RULES, SELECTOR

BINDINGS = "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicybindings"

NOWHERE = "http://127.0.0.1:9"
"""Rules are delivered whether or not Prometheus answers."""

Objects = Callable[[], dict[str, dict[str, Any]]]


@pytest.fixture
def kind(kubectl: RunsKubectl) -> Iterator[None]:
    """Have the API server know PrometheusRules, as where prometheus-operator is installed."""
    apply(kubectl, None, KIND)
    name = KIND["metadata"]["name"]
    kubectl("wait", "--for=condition=Established", "--timeout=30s", f"crd/{name}")

    def served() -> bool:
        return kubectl("get", "--raw", PROMETHEUS_RULES.path(), check=False).returncode == 0

    eventually(served, 30, "the kind is served")
    yield
    kubectl("delete", "crd", name)
    eventually(lambda: not served(), 30, "the kind is gone")


@pytest.fixture
def rules(cluster: Cluster, api: Api, namespace: str) -> Objects:
    """Give the PrometheusRules of the namespace by name, where the operator may write them."""
    allow_rules(cluster, namespace)
    path = PROMETHEUS_RULES.path(namespace)
    return lambda: {each["metadata"]["name"]: each for each in api("GET", path).body.get("items", ())}


@pytest.fixture(scope="module")
def evaluated(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Iterator[Service], Path]]:
    """Give services of a Prometheus that evaluates the rules of a folder, and that folder."""
    folder = tmp_path_factory.mktemp("rules")
    told = tmp_path_factory.mktemp("services")
    with services(cluster, told, name="prometheus-with-rules", most=4, rules=[folder / "*.yaml"]) as fresh:
        yield fresh, folder


def tail(running: OperatorProcess) -> str:
    return running.log.read_text()[-3000:]


def written(running: OperatorProcess, outcome: str = "written") -> float:
    return running.metric(f'rule_writes_total{{outcome="{outcome}"}}')


@pytest.mark.usefixtures("kind")
def test_what_is_delivered_is_evaluated_measured_by_and_missed(
    *,
    cluster: Cluster,
    evaluated: tuple[Iterator[Service], Path],
    people: Shop,
    rules: Objects,
    quick: str,
    operator: RunsOperator,
) -> None:
    """From an objective to a freeze by recorded series; a freeze that stays while rules fail or are gone."""
    fresh, folder = evaluated
    service = next(fresh)
    people.deploy("gateway", "app:1")
    held = service.objective("availability", protects=[GATEWAY], policyRef=quick)
    apply(people.kubectl, people.namespace, held, service.objective("quiet", protects=[]))
    running = operator(service.url, people.namespace, flags=flags(people.namespace))

    def why(name: str) -> str:
        return truth.reason(people.status(name))

    with RuleReader(cluster, people.namespace, folder) as reader:
        eventually(lambda: {why("availability"), why("quiet")} == {"Measured"}, 180, lambda: tail(running))
        assert {each["metadata"]["labels"]["release"] for each in rules().values()} == {"kube"}
        of = f'{{namespace="{people.namespace}",name="availability"}}'
        (recorded,) = service.prometheus.query(f"slo:frostline_valid:rate5m{of}")
        assert recorded["metric"]["unit"] == "event"
        assert service.prometheus.query(f"slo:frostline_allowed:ratio{of}")[0]["value"][1] == "0.01"
        assert people.status()["level"] == "Healthy"

        service.spend()
        eventually(people.frozen, 180, lambda: tail(running))
        eventually(lambda: people.status("quiet")["level"] == "Exhausted", 60, lambda: tail(running))

        def spoilt(rule: dict[str, Any]) -> dict[str, Any] | None:
            if rule.get("labels", {}).get("name") == "quiet":
                return None
            if rule.get("labels", {}).get("name") == "availability":
                rule["expr"] = 'label_replace(vector(1), "x", "y", "z", "(")'
            return rule

        reader.altered = spoilt
        eventually(lambda: {why("availability"), why("quiet")} == {"RulesNotEvaluated"}, 180, lambda: tail(running))
        kept = {name: people.status(name) for name in ("availability", "quiet")}
        eventually(lambda: " fails: " in people.condition("Measured")["message"], 90)
        missing = "Prometheus does not know the recording rules of"
        eventually(lambda: missing in people.condition("Measured", "quiet")["message"], 90)
        for name, status in kept.items():
            assert people.status(name)["level"] == status["level"] == "Exhausted"
            assert people.status(name)["budget"] == status["budget"]
        assert people.frozen()
        assert people.refusal()

        reader.altered = same
        eventually(lambda: {why("availability"), why("quiet")} == {"Measured"}, 180, lambda: tail(running))
        assert people.frozen()


def test_where_the_kind_is_unknown_rules_are_config_maps(
    *, cluster: Cluster, api: Api, kubectl: RunsKubectl, namespace: str, operator: RunsOperator
) -> None:
    allow_rules(cluster, namespace)
    apply(kubectl, namespace, promise("a"))
    path = f"{CONFIG_MAPS.path(namespace)}?labelSelector={SELECTED},{SELECTOR}"

    running = operator(NOWHERE, namespace, flags=flags(namespace))

    eventually(lambda: len(api("GET", path).body["items"]) == 2, 60, lambda: tail(running))
    found = {each["metadata"]["name"]: each["data"] for each in api("GET", path).body["items"]}
    assert {name: list(data) for name, data in found.items()} == {SHARED: [f"{SHARED}.yaml"], OWN: [f"{OWN}.yaml"]}
    for name, data in found.items():
        (text,) = data.values()
        file = cluster.folder / f"{name}.yaml"
        file.write_text(text)
        run([str(cluster.site.tool("promtool")), "check", "rules", str(file)], cluster.kubeconfig)


@pytest.mark.usefixtures("kind")
def test_rights_that_are_missing_and_names_that_are_taken_are_told_and_heal(
    *, cluster: Cluster, kubectl: RunsKubectl, namespace: str, api: Api, operator: RunsOperator
) -> None:
    theirs = {
        "apiVersion": PROMETHEUS_RULES.api_version,
        "kind": "PrometheusRule",
        "metadata": {"name": SHARED, "labels": {"team": "other"}},
        "spec": {"groups": []},
    }
    apply(kubectl, namespace, theirs, promise("a"))
    path = PROMETHEUS_RULES.path(namespace)
    untouched = api("GET", f"{path}/{SHARED}").body
    running = operator(NOWHERE, namespace, flags=flags(namespace))
    eventually(lambda: written(running, "refused") >= 1, 60, lambda: tail(running))
    assert "rules not written to prometheusrules of namespace" in tail(running)
    assert "403" in tail(running)

    allow_rules(cluster, namespace)
    eventually(lambda: written(running, "taken") >= 1, 60, lambda: tail(running))
    assert f"{SHARED} in prometheusrules of namespace {namespace} is somebody else's: remove it" in tail(running)
    assert api("GET", f"{path}/{OWN}").status == 200
    assert api("GET", f"{path}/{SHARED}").body == untouched

    kubectl("delete", "prometheusrule", SHARED, "-n", namespace)
    eventually(lambda: api("GET", f"{path}/{SHARED}").body.get("spec", {}).get("groups"), 60, lambda: tail(running))
    said = ("get", "events", "-n", OWN_NAMESPACE, "-o", "jsonpath={range .items[*]}{.reason}: {.message}{'\\n'}{end}")
    eventually(lambda: "RulesWritten: all rules" in kubectl(*said).stdout, 60, lambda: kubectl(*said).stdout)
    assert (
        f"RulesNotWritten: rules not written to prometheusrules of namespace {namespace}: the API server answered 403"
        in kubectl(*said).stdout
    )


@pytest.mark.usefixtures("kind")
def test_only_what_changed_is_written_and_what_goes_takes_its_rules_along(
    *, kubectl: RunsKubectl, namespace: str, rules: Objects, operator: RunsOperator
) -> None:
    names = {f"promise-{number}" for number in range(260)}
    apply(kubectl, namespace, *(promise(name) for name in sorted(names)))
    running = operator(NOWHERE, namespace, flags=flags(namespace))
    eventually(lambda: whose(rules()) == names, 90, lambda: tail(running))
    before = versions(rules())
    assert len(before) == 3

    apply(kubectl, namespace, promise("promise-7", 99.5))
    eventually(lambda: versions(rules()) != before, 60, lambda: tail(running))
    after = versions(rules())
    assert len({name for name in before if after[name] != before[name]} & {*before} - {SHARED}) == 1
    assert after[SHARED] == before[SHARED]

    kubectl("delete", "slo", "promise-7", "-n", namespace)
    eventually(lambda: whose(rules()) == names - {"promise-7"}, 60, lambda: tail(running))
    assert written(running) == 5


@pytest.mark.usefixtures("kind")
def test_what_somebody_deletes_or_changes_is_put_right(
    *, kubectl: RunsKubectl, namespace: str, rules: Objects, operator: RunsOperator
) -> None:
    apply(kubectl, namespace, promise("a"))
    running = operator(NOWHERE, namespace, flags=flags(namespace))
    eventually(lambda: set(rules()) == {SHARED, OWN}, 60, lambda: tail(running))
    specs = {name: each["spec"] for name, each in rules().items()}

    kubectl("delete", "prometheusrule", SHARED, "-n", namespace)
    emptied = json.dumps({"spec": {"groups": []}})
    kubectl("patch", "prometheusrule", OWN, "-n", namespace, "--type=merge", "-p", emptied)

    eventually(lambda: {name: each["spec"] for name, each in rules().items()} == specs, 90, lambda: tail(running))


@pytest.mark.usefixtures("kind")
def test_a_restart_writes_nothing_and_a_list_that_fails_removes_nothing(
    *,
    cluster: Cluster,
    kubectl: RunsKubectl,
    namespace: str,
    rules: Objects,
    operator: RunsOperator,
    tmp_path: Path,
) -> None:
    apply(kubectl, namespace, promise("a"), promise("b"))
    first = operator(NOWHERE, namespace, flags=flags(namespace))
    eventually(lambda: whose(rules()) == {"a", "b"}, 60, lambda: tail(first))
    before = versions(rules())
    first.stop()

    def unlisted(asked: Asked) -> Say | None:
        return Say(500) if asked.path.endswith("/servicelevelobjectives") else None

    with ApiProxy(cluster) as proxy:
        proxy.faults = unlisted
        way = ("--kubeconfig", str(proxy.kubeconfig(cluster, tmp_path / "operator")))
        again = operator(NOWHERE, namespace, flags=flags(namespace, *way), wait=False)
        eventually(lambda: len(proxy.said) >= 3, 60, lambda: tail(again))
        assert not again.ready()
        assert not [each for each in proxy.asked if "prometheusrules" in each.path]

        # It reads each object, and then knows that there is nothing to write.
        proxy.faults = lambda _: None
        read = {f"{PROMETHEUS_RULES.path(namespace)}/{name}" for name in before}
        eventually(lambda: read <= {each.path for each in proxy.asked}, 60, lambda: tail(again))
        since = time.monotonic()
        apply(kubectl, namespace, promise("c"))
        eventually(lambda: whose(rules()) == {"a", "b", "c"}, 60, lambda: tail(again))
        early = [each for each in proxy.writes() if "prometheusrules" in each.path and each.at < since]
        assert early == []
        assert versions(rules())[SHARED] == before[SHARED]

        # Nor does a list that fails while it runs take anything away.
        kept = versions(rules())
        proxy.faults = unlisted
        proxy.break_streams()
        said = len(proxy.said)
        eventually(lambda: len(proxy.said) >= said + 3, 60, lambda: tail(again))
        proxy.faults = lambda _: None
        apply(kubectl, namespace, promise("d"))
        eventually(lambda: whose(rules()) == {"a", "b", "c", "d"}, 90, lambda: tail(again))
        assert versions(rules())[SHARED] == kept[SHARED]
        again.stop()


@pytest.fixture
def guards(cluster: Cluster) -> Iterator[None]:
    """Put back what a teardown takes away of the chart: the cluster is that of other tests, too."""
    api = Api(cluster)
    before = api("GET", BINDINGS).body["items"]
    yield
    there = {each["metadata"]["name"] for each in api("GET", BINDINGS).body["items"]}
    for each in before:
        if each["metadata"]["name"] not in there:
            kept = {name: each["metadata"].get(name, {}) for name in ("name", "labels", "annotations")}
            done = api("POST", BINDINGS, {**each, "metadata": kept})
            assert done.status == 201, done.message
    api.close()


@pytest.mark.usefixtures("kind", "guards")
def test_a_teardown_takes_the_rules_away(
    *, cluster: Cluster, kubectl: RunsKubectl, namespace: str, rules: Objects, operator: RunsOperator
) -> None:
    apply(kubectl, namespace, promise("a"))
    running = operator(NOWHERE, namespace, flags=flags(namespace))
    eventually(lambda: set(rules()) == {SHARED, OWN}, 60, lambda: tail(running))
    running.stop()

    frostline = str(Path(sys.executable).with_name("frostline"))
    done = run([frostline, "teardown", "--rules-namespace", namespace], cluster.kubeconfig)

    assert "2 objects with rules" in done.stdout
    assert rules() == {}
