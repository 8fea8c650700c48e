"""Records of processes: exactly what was started is recognised and stopped."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from e2e.cluster.errors import ClusterError
from e2e.cluster.launch import identity, write_atomically
from e2e.cluster.processes import Command, Processes, ProcessRecord
from e2e.cluster.waiting import eventually

SLEEP = ("/bin/sh", "-c", "echo begun; exec sleep 60")


@pytest.fixture
def processes(tmp_path: Path) -> Iterator[Processes]:
    own = Processes(tmp_path / "run", tmp_path / "logs")
    yield own
    for name in own.names():
        own.stop(name)


def test_a_started_process_is_recorded_and_stopped(processes: Processes) -> None:
    record = processes.start(Command("sleeper", SLEEP))

    assert processes.running("sleeper") == record
    assert record.pid != os.getpid()
    assert os.getsid(record.pid) == record.pid
    eventually(lambda: "begun" in processes.log_end("sleeper"), 5, "its output is in the log", interval=0.01)
    assert processes.stop("sleeper")
    assert not record.alive()
    assert processes.names() == []
    assert not processes.stop("sleeper")


def test_a_process_without_a_record_is_found_in_its_own_folder_only(processes: Processes, tmp_path: Path) -> None:
    elsewhere = Processes(tmp_path / "other" / "run", tmp_path / "other" / "logs")
    foreign = elsewhere.start(Command("foreign", SLEEP))
    recorded = processes.start(Command("recorded", SLEEP))
    stray = processes.start(Command("stray", SLEEP))
    (processes.run / "stray.json").unlink()

    assert len(processes.stop_strays()) == 1

    assert not stray.alive()
    assert foreign.alive()
    assert recorded.alive()
    elsewhere.stop("foreign")


def test_a_recycled_pid_is_not_taken_for_ours(processes: Processes) -> None:
    with subprocess.Popen(["sleep", "60"]) as stranger:
        recorded = {"name": "etcd", "pid": stranger.pid, "identity": "other-boot/1", "argv": [], "fingerprint": ""}
        write_atomically(processes.run / "etcd.json", json.dumps(recorded))

        assert processes.running("etcd") is None
        assert not processes.stop("etcd")
        assert stranger.poll() is None
        stranger.kill()


def test_a_process_that_ended_has_no_identity() -> None:
    with subprocess.Popen(["true"]) as short:
        # Not collected yet: ended, but its id is still in the table.
        eventually(lambda: identity(short.pid) is None, 5, "it ended", interval=0.01)
    assert identity(os.getpid()) is not None


@pytest.mark.parametrize("text", ["", "{", "[]", '{"name": "etcd"}', '{"name": 1, "pid": "x"}'])
def test_a_record_that_cannot_be_read_is_none(tmp_path: Path, text: str) -> None:
    (tmp_path / "etcd.json").write_text(text)

    assert ProcessRecord.read(tmp_path / "etcd.json") is None
    assert ProcessRecord.read(tmp_path / "absent.json") is None


def test_a_program_that_is_not_there_is_named(processes: Processes) -> None:
    with pytest.raises(ClusterError, match="ghost could not be started: /no/such/program: No such file"):
        processes.start(Command("ghost", ("/no/such/program",)))


def test_a_process_that_ignores_sigterm_is_killed(processes: Processes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("e2e.cluster.processes.TERM_SECONDS", 0.2)
    deaf = (
        "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); time.sleep(60)"
    )
    record = processes.start(Command("deaf", (sys.executable, "-c", deaf)))
    eventually(lambda: "deaf" in processes.log_end("deaf"), 5, "it ignores the signal", interval=0.01)

    processes.stop("deaf")

    assert not record.alive()


def test_the_environment_is_what_was_given_and_little_more(
    processes: Processes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.invalid")
    processes.start(Command("env", ("/usr/bin/env",), (), {"GIVEN": "yes"}))

    eventually(lambda: "GIVEN=yes" in processes.log_end("env", 99), 5, "it printed its environment", interval=0.01)
    assert "HTTPS_PROXY" not in processes.log_end("env", 99)


def test_the_fingerprint_follows_arguments_environment_and_inputs(tmp_path: Path) -> None:
    config = tmp_path / "config"
    prints = set()
    for text in ("1", "2"):
        config.write_text(text)
        prints.add(Command("a", ("x",), (config,)).fingerprint())
    prints.add(Command("a", ("y",), (config,)).fingerprint())
    prints.add(Command("a", ("x",), (config,), {"E": "1"}).fingerprint())

    assert len(prints) == 4


def test_the_log_of_the_life_before_is_kept(processes: Processes) -> None:
    for _ in range(2):
        processes.start(Command("echo", ("/bin/echo", "hello")))
        eventually(lambda: "hello" in processes.log_end("echo"), 5, "it wrote", interval=0.01)

    assert processes.log("echo").with_suffix(".previous.log").read_text() == "hello\n"
    assert processes.log("echo").read_text() == "hello\n"
