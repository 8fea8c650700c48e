"""Small parts: certificates, ports, state, waiting, the exporter, what Prometheus is told."""

import base64
import datetime
import json
import os
import socket
import ssl
import threading
from pathlib import Path

import pytest
from cryptography import x509

from e2e.cluster import certificates
from e2e.cluster.caller import PLAIN, Caller
from e2e.cluster.exporter import LiveExporter
from e2e.cluster.operator_process import expires
from e2e.cluster.ports import free_ports, is_taken
from e2e.cluster.progress import duration, silent
from e2e.cluster.prometheus import render_config
from e2e.cluster.session import folder_name, remove_orphans
from e2e.cluster.state import State, locked
from e2e.cluster.waiting import eventually


def test_certificates_verify_against_their_own_authority_only(tmp_path: Path) -> None:
    certs = tmp_path / "certs"
    certificates.make_all(certs)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certs / "serving.crt", certs / "serving.key")

    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"https://127.0.0.1:{server.getsockname()[1]}/"

        def serve() -> None:
            for _ in range(2):
                connection, _ = server.accept()
                with connection:
                    try:
                        with context.wrap_socket(connection, server_side=True) as secured:
                            secured.recv(1000)
                            secured.sendall(b"HTTP/1.0 200 OK\r\n\r\n")
                    except ssl.SSLError:
                        continue

        thread = threading.Thread(target=serve)
        thread.start()
        trusted = Caller(certs / "ca.crt").answers(url)
        mistrusted = Caller(certs / "etcd-ca.crt").answers(url)
        thread.join()

    assert (trusted, mistrusted) == (True, False)


def test_certificates_say_who_each_client_is(tmp_path: Path) -> None:
    certificates.make_all(tmp_path / "certs")

    admin = x509.load_pem_x509_certificate((tmp_path / "certs" / "admin.crt").read_bytes())

    assert admin.subject.rfc4514_string() == "CN=frostline-admin,O=system:masters"
    assert (tmp_path / "certs" / "admin.key").stat().st_mode & 0o077 == 0
    assert [path.name for path in tmp_path.iterdir()] == ["certs"]


def test_certificates_are_usable_until_they_are_about_to_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    certs = tmp_path / "certs"
    assert not certificates.usable(certs)
    certificates.make_all(certs)
    assert certificates.usable(certs)
    later = datetime.datetime.now(datetime.UTC) + datetime.timedelta(days=certificates.VALID_DAYS - 1)
    monkeypatch.setattr(certificates, "_now", lambda: later)

    assert not certificates.usable(certs)


def test_free_ports_differ_and_are_free() -> None:
    ports = free_ports(5)

    assert len(set(ports)) == 5
    assert not any(is_taken(port) for port in ports)


def test_a_port_that_somebody_listens_on_is_taken() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        assert is_taken(server.getsockname()[1])


def test_state_survives_and_is_cleared_but_for_the_logs(tmp_path: Path) -> None:
    state = State(tmp_path)
    state.put(provider="local")
    state.put_ports("etcd", {"clients": 1})
    (tmp_path / "logs").mkdir()
    (tmp_path / "certs").mkdir()
    (tmp_path / ".certs-x.half").mkdir()

    again = State(tmp_path)
    assert (again.get("provider"), again.ports("etcd"), again.get("other")) == ("local", {"clients": 1}, "")
    again.clear()

    assert [path.name for path in tmp_path.iterdir()] == ["logs"]
    assert State(tmp_path).get("provider") == ""


@pytest.mark.parametrize("text", ["", "{", "[]", '{"ports": 1}'])
def test_a_state_that_cannot_be_read_is_empty(tmp_path: Path, text: str) -> None:
    (tmp_path / "cluster.json").write_text(text)

    assert State(tmp_path).get("provider") == ""
    assert State(tmp_path).ports("etcd") == {}


def test_a_second_holder_waits_for_the_lock(tmp_path: Path) -> None:
    heard: list[str] = []
    order: list[str] = []

    def second() -> None:
        with locked(tmp_path / "lock", heard.append):
            order.append("second")

    with locked(tmp_path / "lock", silent):
        thread = threading.Thread(target=second)
        thread.start()
        eventually(lambda: heard, 5, "the second says that it waits", interval=0.01)
        order.append("first")
    thread.join()

    assert order == ["first", "second"]
    assert f"process {os.getpid()}" in heard[0]


def test_eventually_tells_what_it_waited_for() -> None:
    with pytest.raises(AssertionError, match=r"not within 0\.1 s: the moon; last answer: 0"):
        eventually(lambda: 0, 0.1, "the moon", interval=0.01)


def test_eventually_takes_a_failed_assertion_for_not_yet() -> None:
    answers = iter([False, True])

    def probe() -> str:
        assert next(answers)
        return "yes"

    assert eventually(probe, 5, interval=0.01) == "yes"


def test_the_exporter_serves_what_was_set() -> None:
    with LiveExporter() as exporter:
        exporter.set("requests_total", 3, {"class": 'a"b'}, code="200")
        exporter.add("requests_total", 2, {"class": 'a"b'}, code="200")
        status, body = PLAIN.request(f"http://{exporter.address}/metrics")

    expected = '# TYPE requests_total counter\nrequests_total{class="a\\"b",code="200"} 5\n'
    assert (status, body.decode()) == (200, expected)


def test_prometheus_is_told_its_targets_and_no_timeout_beyond_the_interval(tmp_path: Path) -> None:
    config = render_config("1s", tmp_path, native_histograms=False)

    assert config["global"]["scrape_timeout"] == "1s"
    assert config["scrape_configs"][0]["file_sd_configs"][0]["files"] == [f"{tmp_path}/*.json"]
    assert "scrape_native_histograms" not in config["global"]
    assert render_config("1s", tmp_path, native_histograms=True)["global"]["scrape_native_histograms"]


def test_the_end_of_a_token_is_read() -> None:
    payload = base64.urlsafe_b64encode(json.dumps({"exp": 1234}).encode()).decode().rstrip("=")

    assert expires(f"header.{payload}.signature") == 1234
    assert expires("opaque") == 0


def test_folders_of_dead_runs_are_removed_and_those_of_living_ones_kept(tmp_path: Path) -> None:
    mine, other = folder_name(os.getpid()), folder_name(os.getpid(), "-cli")
    for name in (mine, other, f"e2e-{os.getpid()}-00000000", "e2e-999999999-00000000", "local"):
        (tmp_path / name).mkdir()

    remove_orphans(silent, tmp_path)

    assert {path.name for path in tmp_path.iterdir()} == {mine, other, "local"}


@pytest.mark.parametrize(("seconds", "text"), [(4.9, "4 s"), (80, "1 min 20 s")])
def test_durations(seconds: float, text: str) -> None:
    assert duration(seconds) == text
