import json
import logging
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from frostline import __version__
from frostline import operator as process
from frostline.cli.logs import configure
from frostline.cli.main import main, parser
from frostline.kubernetes.connection import NoClusterError
from frostline.operator import Options

URL = ["--prometheus-url", "http://prometheus:9090"]
TWINS = {
    "--prometheus-url": "FROSTLINE_PROMETHEUS_URL",
    "--prometheus-ca": "FROSTLINE_PROMETHEUS_CA",
    "--prometheus-bearer-token-file": "FROSTLINE_PROMETHEUS_BEARER_TOKEN_FILE",
    "--prometheus-username": "FROSTLINE_PROMETHEUS_USERNAME",
    "--prometheus-password-file": "FROSTLINE_PROMETHEUS_PASSWORD_FILE",
    "--kubeconfig": "FROSTLINE_KUBECONFIG",
    "--context": "FROSTLINE_CONTEXT",
    "--namespace": "FROSTLINE_NAMESPACE",
    "--own-namespace": "FROSTLINE_OWN_NAMESPACE",
    "--webhook-service": "FROSTLINE_WEBHOOK_SERVICE",
    "--webhook-url": "FROSTLINE_WEBHOOK_URL",
    "--webhook-secret": "FROSTLINE_WEBHOOK_SECRET",
    "--webhook-secret-kept-by": "FROSTLINE_WEBHOOK_SECRET_KEPT_BY",
    "--gitops": "FROSTLINE_GITOPS",
    "--argocd-namespace": "FROSTLINE_ARGOCD_NAMESPACE",
    "--cycle-interval": "FROSTLINE_CYCLE_INTERVAL",
    "--query-offset": "FROSTLINE_QUERY_OFFSET",
    "--listen": "FROSTLINE_LISTEN",
    "--log-format": "FROSTLINE_LOG_FORMAT",
    "--log-level": "FROSTLINE_LOG_LEVEL",
}


@pytest.fixture(autouse=True)
def _as_before(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Leave logging as it was; no setting of the developer's own shell counts."""
    for twin in TWINS.values():
        monkeypatch.delenv(twin, raising=False)
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[Options]:
    """Collect what the operator would be started with, in place of starting it."""
    found: list[Options] = []

    async def run(options: Options) -> None:
        found.append(options)

    monkeypatch.setattr(process, "run", run)
    return found


def value(flag: str, folder: Path) -> str:
    """Return a value that the flag takes."""
    path = folder / "file"
    path.write_text("x")
    plain = {
        "--prometheus-url": "http://prometheus:9090",
        "--prometheus-username": "ann",
        "--context": "one",
        "--namespace": "dating,chat",
        "--webhook-service": "frostline-system/frostline-webhook",
        "--webhook-url": "https://127.0.0.1:8443",
        "--webhook-secret": "frostline-system/frostline-webhook",
        "--webhook-secret-kept-by": "others",
        "--gitops": "flux",
        "--cycle-interval": "45s",
        "--query-offset": "20s",
        "--listen": "127.0.0.1:9",
        "--log-format": "json",
        "--log-level": "error",
    }
    return plain.get(flag, str(path))


@pytest.mark.parametrize(("flag", "twin"), TWINS.items())
def test_every_flag_has_a_twin_in_the_environment(flag: str, twin: str, tmp_path: Path) -> None:
    text, name = value(flag, tmp_path), flag.removeprefix("--").replace("-", "_")

    by_flag = parser({}).parse_args(["operator", flag, text])
    by_twin = parser({twin: text}).parse_args(["operator"])
    nothing = parser({}).parse_args(["operator"])

    assert getattr(by_flag, name) == getattr(by_twin, name) != getattr(nothing, name)


@pytest.mark.parametrize(("flag", "twin"), TWINS.items())
def test_help_names_flag_and_twin(flag: str, twin: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        parser({}).parse_args(["operator", "--help"])

    assert ended.value.code == 0
    shown = " ".join(capsys.readouterr().out.split())
    assert flag in shown
    assert f"[{twin}]" in shown


def test_a_flag_wins_over_its_twin() -> None:
    parsed = parser({"FROSTLINE_CYCLE_INTERVAL": "rubbish"}).parse_args(["operator", "--cycle-interval", "5s"])

    assert parsed.cycle_interval == 5


def test_an_empty_twin_is_no_twin() -> None:
    assert parser({"FROSTLINE_CYCLE_INTERVAL": ""}).parse_args(["operator"]).cycle_interval == 30


def test_namespaces_add_up_and_replace_those_of_the_environment() -> None:
    parsed = parser({"FROSTLINE_NAMESPACE": "other"}).parse_args(
        ["operator", "--namespace", "dating", "--namespace", "chat,reports"]
    )

    assert parsed.namespace == ("dating", "chat", "reports")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        pytest.param([], "COMMAND", id="no command"),
        pytest.param(["fly"], "fly", id="unknown command"),
        pytest.param(["operator", "--prometheus-username", "ann"], "--prometheus-url", id="a name for no Prometheus"),
        pytest.param(["operator", "--prometheus-url", "nowhere"], "--prometheus-url", id="no URL"),
        pytest.param(["operator", "--prometheus-url", "http://[::1"], "--prometheus-url", id="half a URL"),
        pytest.param(["operator", *URL, "--cycle-interval", "0s"], "--cycle-interval", id="no interval"),
        pytest.param(["operator", *URL, "--query-offset", "x"], "--query-offset", id="no offset"),
        pytest.param(["operator", *URL, "--listen", "8080"], "--listen", id="no address"),
        pytest.param(["operator", *URL, "--listen", "host:²"], "--listen", id="a port that int() refuses"),
        pytest.param(["operator", *URL, "--log-format", "xml"], "--log-format", id="log format"),
        pytest.param(["operator", *URL, "--log-level", "loud"], "--log-level", id="log level"),
        pytest.param(["operator", *URL, "--kubeconfig", "gone"], "--kubeconfig", id="no kubeconfig"),
        pytest.param(["operator", *URL, "--prometheus-ca", "gone"], "--prometheus-ca", id="no CA"),
        pytest.param(
            ["operator", *URL, "--prometheus-username", "ann"], "--prometheus-password-file", id="no password"
        ),
        pytest.param(["operator", *URL, "--bogus"], "--bogus", id="unknown flag"),
    ],
)
def test_a_mistake_is_named_and_ends_with_2(
    arguments: list[str], says: str, capsys: pytest.CaptureFixture[str], started: list[Options]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)

    assert ended.value.code == 2
    assert says in capsys.readouterr().err
    assert started == []


def test_a_mistake_in_the_environment_names_the_flag(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FROSTLINE_CYCLE_INTERVAL", "often")

    with pytest.raises(SystemExit) as ended:
        main(["operator", *URL])

    assert ended.value.code == 2
    assert "--cycle-interval" in capsys.readouterr().err


def test_two_ways_to_prove_who_we_are_are_one_too_many(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    secret = tmp_path / "secret"
    secret.write_text("x")
    both = ["--prometheus-bearer-token-file", str(secret)]
    both += ["--prometheus-username", "ann", "--prometheus-password-file", str(secret)]

    with pytest.raises(SystemExit) as ended:
        main(["operator", *URL, *both])

    assert ended.value.code == 2
    assert "not both" in capsys.readouterr().err


def test_flags_become_options(started: list[Options], tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("x")

    code = main(
        [
            "operator",
            *URL,
            "--prometheus-bearer-token-file",
            str(token),
            "--context",
            "one",
            "--namespace",
            "dating",
            "--cycle-interval",
            "10s",
            "--query-offset",
            "5s",
            "--listen",
            "127.0.0.1:0",
        ]
    )

    (options,) = started
    assert code == 0
    assert options.prometheus is not None
    assert (options.prometheus.url, options.prometheus.bearer_token_file) == ("http://prometheus:9090", token)
    assert (options.timing.interval_s, options.timing.offset_s) == (10, 5)
    assert (options.cluster.context, options.cluster.kubeconfig) == ("one", None)
    assert (options.namespaces, options.host, options.port) == (("dating",), "127.0.0.1", 0)


@pytest.mark.parametrize(
    ("error", "code"),
    [
        pytest.param(NoClusterError("no cluster from x"), 1, id="no cluster"),
        pytest.param(OSError("port taken"), 1, id="port taken"),
        pytest.param(KeyboardInterrupt(), 130, id="interrupted"),
    ],
)
def test_how_it_ends(
    error: BaseException, code: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    async def fail(_options: Options) -> None:
        raise error

    monkeypatch.setattr(process, "run", fail)

    assert main(["operator", *URL]) == code
    assert str(error) in capsys.readouterr().err


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--version"])

    assert ended.value.code == 0
    assert capsys.readouterr().out == f"frostline {__version__}\n"


def test_the_installed_command_answers() -> None:
    command = Path(sys.executable).parent / "frostline"

    answer = subprocess.run([command, "--version"], capture_output=True, text=True, check=True, timeout=30)

    assert answer.stdout == f"frostline {__version__}\n"


def test_log_lines_for_machines(capsys: pytest.CaptureFixture[str]) -> None:
    configure("json", "info")

    logging.getLogger("frostline.x").warning("slo %s: worse", "dating/matching")
    logging.getLogger("frostline.x").debug("unheard")

    (line,) = capsys.readouterr().err.splitlines()
    said = json.loads(line)
    assert {name: said[name] for name in ("level", "logger", "message")} == {
        "level": "WARNING",
        "logger": "frostline.x",
        "message": "slo dating/matching: worse",
    }
    assert "time" in said


def test_log_lines_for_people(capsys: pytest.CaptureFixture[str]) -> None:
    configure("text", "warning")

    logging.getLogger("frostline.x").warning("worse")
    logging.getLogger("frostline.x").info("unheard")

    assert capsys.readouterr().err.endswith("WARNING frostline.x: worse\n")


def test_without_a_prometheus_only_sources_measure(started: list[Options]) -> None:
    assert main(["operator"]) == 0

    (options,) = started
    assert options.prometheus is None
