import argparse
from collections.abc import Callable
from pathlib import Path

import pytest

from frostline.cli import arguments


@pytest.mark.parametrize(
    ("parse", "text", "value"),
    [
        pytest.param(arguments.seconds, "30s", 30, id="seconds"),
        pytest.param(arguments.seconds, "1m30s", 90, id="seconds of a sum"),
        pytest.param(arguments.offset, "0s", 0, id="offset of nothing"),
        pytest.param(arguments.offset, "15s", 15, id="offset"),
        pytest.param(arguments.http_url, "http://prometheus:9090", "http://prometheus:9090", id="URL"),
        pytest.param(arguments.http_url, "https://p/prefix/", "https://p/prefix/", id="URL with a path"),
        pytest.param(arguments.address, "0.0.0.0:8080", ("0.0.0.0", 8080), id="address"),
        pytest.param(arguments.address, "127.0.0.1:0", ("127.0.0.1", 0), id="a free port"),
        pytest.param(arguments.address, "[::1]:8080", ("::1", 8080), id="IPv6 address"),
        pytest.param(arguments.address, ":8080", ("", 8080), id="every address"),
        pytest.param(arguments.words, "a,b , c,", ("a", "b", "c"), id="words"),
        pytest.param(arguments.words, "", (), id="no words"),
        pytest.param(arguments.one_of("text", "json"), "json", "json", id="choice"),
    ],
)
def test_reads(parse: Callable[[str], object], text: str, value: object) -> None:
    assert parse(text) == value


@pytest.mark.parametrize(
    ("parse", "text", "says"),
    [
        pytest.param(arguments.seconds, "0s", "at least 1s", id="no time between cycles"),
        pytest.param(arguments.seconds, "500ms", "whole seconds", id="half a second"),
        pytest.param(arguments.seconds, "1500ms", "whole seconds", id="a second and a half"),
        pytest.param(arguments.seconds, "30", "not a duration", id="no unit"),
        pytest.param(arguments.offset, "soon", "not a duration", id="no duration"),
        pytest.param(arguments.http_url, "prometheus:9090", "must be a URL", id="no scheme"),
        pytest.param(arguments.http_url, "ftp://prometheus", "must be a URL", id="another scheme"),
        pytest.param(arguments.http_url, "http://", "must be a URL", id="no host"),
        pytest.param(arguments.http_url, "", "must be a URL", id="empty"),
        pytest.param(arguments.http_url, "http://ann:secret@p", "credentials do not belong", id="credentials"),
        pytest.param(arguments.http_url, "http://:secret@p", "credentials do not belong", id="a password alone"),
        pytest.param(arguments.readable_file, "gone", 'no file "gone"', id="no file"),
        pytest.param(arguments.readable_file, ".", 'no file "."', id="a folder"),
        pytest.param(arguments.address, "8080", "HOST:PORT", id="no host"),
        pytest.param(arguments.address, "host:http", "HOST:PORT", id="port no number"),
        pytest.param(arguments.address, "host:65536", "HOST:PORT", id="port too high"),
        pytest.param(arguments.address, "host:-1", "HOST:PORT", id="port negative"),
        pytest.param(arguments.one_of("text", "json"), "xml", "one of text, json", id="no choice"),
    ],
)
def test_refuses(parse: Callable[[str], object], text: str, says: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError) as refusal:
        parse(text)

    assert says in str(refusal.value)
    assert "secret" not in str(refusal.value)


def test_a_file_that_is_there(tmp_path: Path) -> None:
    path = tmp_path / "token"
    path.write_text("x")

    assert arguments.readable_file(str(path)) == path
