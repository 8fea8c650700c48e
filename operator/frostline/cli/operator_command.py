"""frostline operator: flags to options, and the process around them."""

import argparse
import asyncio
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final

from frostline.cli import arguments
from frostline.cli.arguments import Flags
from frostline.cli.logs import configure
from frostline.core.gitops import Tool

if TYPE_CHECKING:
    from frostline.controller.armament import Webhook
    from frostline.controller.rule_places import Destination
    from frostline.prometheus.connection import Connection

_MEASURING: Final = ("direct", "recorded")
_FORMS: Final = ("off", "auto", "prometheus-rule", "config-map", "directory")

_LOG = logging.getLogger(__name__)


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]", environment: Mapping[str, str]) -> None:
    """Add the command to the command line."""
    command = commands.add_parser("operator", help="measure objectives and keep the account on their status")
    command.set_defaults(run=lambda parsed: run(command, parsed))
    prometheus = Flags(command.add_argument_group("Prometheus"), environment)
    prometheus.add(
        "--prometheus-url",
        arguments.http_url,
        "URL",
        "base URL of Prometheus; what no PrometheusSource is for is measured there",
    )
    prometheus.add("--prometheus-ca", arguments.readable_file, "FILE", "certificate authority to trust")
    prometheus.add("--prometheus-bearer-token-file", arguments.readable_file, "FILE", "bearer token")
    prometheus.add("--prometheus-username", str, "NAME", "user for basic authentication")
    prometheus.add("--prometheus-password-file", arguments.readable_file, "FILE", "password of that user")
    prometheus.add(
        "--measuring",
        arguments.one_of(*_MEASURING),
        "HOW",
        "direct: by queries of raw metrics; recorded: from recording rules, for more than a few hundred objectives",
        default=_MEASURING[0],
    )
    rules = Flags(command.add_argument_group("rules"), environment)
    rules.add(
        "--rules",
        arguments.one_of(*_FORMS),
        "FORM",
        "off, auto, prometheus-rule, config-map or directory: as what the operator writes recording and alerting rules"
        " (auto: PrometheusRules where the cluster knows them, else ConfigMaps); auto when recorded, else off",
    )
    rules.add("--rules-namespace", str, "NS", "namespace of the objects with rules; the operator's own if absent")
    rules.add_many("--rules-label", "NAME=VALUE", "label for these objects, as the ruleSelector wants, may be repeated")
    rules.add("--rules-directory", arguments.path, "DIR", "folder of rule files, for --rules directory")
    rules.add(
        "--rules-runbooks", arguments.http_url, "URL", "page with a heading for each alert, for alerts to lead to"
    )
    rules.add("--rules-dashboard", arguments.http_url, "URL", "their dashboard: takes var-namespace and var-name")
    rules.add("--rules-operator-dashboard", arguments.http_url, "URL", "dashboard of the operator itself")
    cluster = arguments.add_cluster(command, environment)
    cluster.add_many("--namespace", "NS", "namespace to serve, may be repeated; all if absent")
    cluster.add(
        "--own-namespace",
        str,
        "NS",
        "namespace of the operator: nothing is held back in it",
        default="frostline-system",
    )
    releases = Flags(command.add_argument_group("holding releases back"), environment)
    releases.add("--webhook-service", arguments.namespaced_name, "NAMESPACE/NAME", "Service of the webhook, port 443")
    releases.add("--webhook-url", arguments.https_url, "URL", "the webhook's address outside the cluster")
    releases.add(
        "--webhook-secret",
        arguments.namespaced_name,
        "NAMESPACE/NAME",
        "Secret of its certificate",
    )
    releases.add(
        "--webhook-secret-kept-by",
        str,
        "WHOM",
        "operator: renewed by it; others, such as cert-manager: only its ca.crt is read",
        default="operator",
    )
    releases.add_many("--gitops", "TOOL", "flux, argocd: asked to try again after a lift, may be repeated")
    releases.add("--argocd-namespace", str, "NS", "where Argo CD has its Applications", default="argocd")
    process = Flags(command.add_argument_group("process"), environment)
    process.add(
        "--lease",
        arguments.namespaced_name,
        "NAMESPACE/NAME",
        "stand for election: of several operators with the same Lease one works, the others stand by",
    )
    process.add("--cycle-interval", arguments.seconds, "TIME", "time between cycles", default="30s")
    process.add("--query-offset", arguments.offset, "TIME", "how far behind Prometheus to evaluate", default="15s")
    arguments.add_process(process)


def run(command: argparse.ArgumentParser, parsed: argparse.Namespace) -> int:
    """Run the operator until a signal; return the exit code."""
    identity = (parsed.prometheus_ca, parsed.prometheus_bearer_token_file, parsed.prometheus_username)
    if parsed.prometheus_url is None and any(each is not None for each in identity):
        command.error("--prometheus-url is missing: the other flags of Prometheus say how to ask there")
    if (parsed.prometheus_username is None) != (parsed.prometheus_password_file is None):
        command.error("--prometheus-username and --prometheus-password-file go together")
    if parsed.prometheus_username is not None and parsed.prometheus_bearer_token_file is not None:
        command.error("give either a bearer token or a user name, not both")
    if parsed.webhook_service is not None and parsed.webhook_url is not None:
        command.error("give either --webhook-service or --webhook-url, not both")
    if (parsed.webhook_secret is None) != (parsed.webhook_service is None and parsed.webhook_url is None):
        command.error("--webhook-secret and --webhook-service (or --webhook-url) go together")
    if parsed.webhook_secret_kept_by not in {"operator", "others"}:
        command.error(f"--webhook-secret-kept-by takes operator or others, not {parsed.webhook_secret_kept_by}")
    if (parsed.rules == "directory") != (parsed.rules_directory is not None):
        command.error("--rules directory and --rules-directory go together")
    unlabelled = [each for each in parsed.rules_label if not all(each.partition("="))]
    if unlabelled:
        command.error(f'--rules-label takes NAME=VALUE, not "{unlabelled[0]}"')
    if not set(parsed.gitops) <= set(Tool):
        command.error(f"--gitops takes {', '.join(Tool)}, not {', '.join(sorted(set(parsed.gitops) - set(Tool)))}")
    configure(parsed.log_format, parsed.log_level)
    # Clients of Kubernetes take a second to import; --help and errors above do not wait for them.
    from frostline.api.source import Measuring  # noqa: PLC0415
    from frostline.controller.garbage import collect_rarely, share_heap  # noqa: PLC0415
    from frostline.controller.timing import Timing  # noqa: PLC0415
    from frostline.kubernetes.connection import Cluster, NoClusterError  # noqa: PLC0415
    from frostline.operator import Options  # noqa: PLC0415
    from frostline.operator import run as run_operator  # noqa: PLC0415

    share_heap()
    collect_rarely()
    host, port = parsed.listen
    options = Options(
        cluster=Cluster(parsed.kubeconfig, parsed.context),
        prometheus=_prometheus(parsed),
        timing=Timing(parsed.cycle_interval, parsed.query_offset),
        namespaces=parsed.namespace,
        host=host,
        port=port,
        own_namespace=parsed.own_namespace,
        webhook=_webhook(parsed),
        gitops=frozenset(map(Tool, parsed.gitops)),
        argocd_namespace=parsed.argocd_namespace,
        measuring=Measuring(parsed.measuring.capitalize()),
        rules=_rules(parsed),
        lease=parsed.lease,
    )
    try:
        asyncio.run(run_operator(options))
    except (NoClusterError, OSError) as error:
        _LOG.error("%s", error)
        return 1
    return 0


def _prometheus(parsed: argparse.Namespace) -> "Connection | None":
    from frostline.prometheus.connection import Connection  # noqa: PLC0415 - as above

    if parsed.prometheus_url is None:
        _LOG.info("no --prometheus-url: only what a PrometheusSource is for is measured")
        return None
    return Connection(
        url=parsed.prometheus_url,
        ca_file=parsed.prometheus_ca,
        bearer_token_file=parsed.prometheus_bearer_token_file,
        username=parsed.prometheus_username,
        password_file=parsed.prometheus_password_file,
    )


def _rules(parsed: argparse.Namespace) -> "Destination":
    from frostline.controller.rule_places import Destination, Form  # noqa: PLC0415 - as above
    from frostline.core.alerts import Links  # noqa: PLC0415 - as above

    usual = Form.AUTO if parsed.measuring == "recorded" else Form.OFF
    return Destination(
        usual if parsed.rules is None else Form(parsed.rules),
        owner=parsed.own_namespace,
        namespace=parsed.rules_namespace or parsed.own_namespace,
        labels=dict(each.split("=", 1) for each in parsed.rules_label),
        folder=parsed.rules_directory or Path(),
        links=Links.of(
            runbooks=parsed.rules_runbooks,
            dashboard=parsed.rules_dashboard,
            operator_dashboard=parsed.rules_operator_dashboard,
        ),
    )


def _webhook(parsed: argparse.Namespace) -> "Webhook | None":
    from frostline.controller.armament import Webhook  # noqa: PLC0415 - as above

    given = parsed.webhook_secret_kept_by == "others"  # noqa: S105 - says who, not what
    if parsed.webhook_service is not None:
        namespace, name = parsed.webhook_service
        return Webhook.of_service(namespace, name, parsed.webhook_secret, given=given)
    if parsed.webhook_url is not None:
        return Webhook.of_url(parsed.webhook_url, secret=parsed.webhook_secret, given=given)
    return None
