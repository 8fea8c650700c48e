"""Flags with environment twins: --prometheus-url is FROSTLINE_PROMETHEUS_URL."""

import argparse
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

from frostline.core.durations import parse_duration
from frostline.names import ENVIRONMENT_PREFIX


@dataclass(frozen=True, slots=True)
class Flags:
    """A group of flags; `environment` gives defaults, parsed and checked like the flags themselves."""

    group: argparse._ArgumentGroup
    environment: Mapping[str, str]

    def add(
        self, flag: str, parse: Callable[[str], object], metavar: str, text: str, default: str | None = None
    ) -> None:
        """Add one flag with one value."""
        twin = _twin(flag)
        self.group.add_argument(
            flag,
            type=parse,
            default=self.environment.get(twin) or default,
            metavar=metavar,
            help=f"{text} [{twin}]" if default is None else f"{text}, {default} by default [{twin}]",
        )

    def add_many(self, flag: str, metavar: str, text: str) -> None:
        """Add a flag that may stand several times, and take several values separated by commas."""
        twin = _twin(flag)
        self.group.add_argument(
            flag, type=words, action=_Several, default=words(self.environment.get(twin, "")), metavar=metavar,
            help=f"{text} [{twin}]",
        )  # fmt: skip


class _Several(argparse.Action):
    """Adds up what the command line gives, in place of what the environment gave."""

    def __call__(
        self,
        _parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: object,
        _option: str | None = None,
    ) -> None:
        given = getattr(namespace, self.dest)
        before = () if given is self.default else given
        setattr(namespace, self.dest, (*before, *values) if isinstance(values, tuple) else before)


def _twin(flag: str) -> str:
    return ENVIRONMENT_PREFIX + flag.removeprefix("--").replace("-", "_").upper()


def add_cluster(command: argparse.ArgumentParser, environment: Mapping[str, str]) -> Flags:
    """Add the flags that say which API server; return their group."""
    cluster = Flags(command.add_argument_group("cluster"), environment)
    cluster.add(
        "--kubeconfig", readable_file, "FILE", "kubeconfig; that of kubectl if absent, in a pod the service account"
    )
    cluster.add("--context", str, "NAME", "context of the kubeconfig")
    return cluster


def add_process(process: Flags) -> None:
    """Add the flags of every process of ours: its plain port and its log."""
    process.add("--listen", address, "HOST:PORT", "address of /healthz, /readyz, /metrics", default="0.0.0.0:8080")
    process.add("--log-format", one_of("text", "json"), "FORMAT", "text or json", default="text")
    process.add(
        "--log-level",
        one_of("debug", "info", "warning", "error"),
        "LEVEL",
        "debug, info, warning or error",
        default="info",
    )


def seconds(text: str) -> int:
    """Return a duration as whole seconds, at least one."""
    length = _duration(text)
    if length < timedelta(seconds=1) or length % timedelta(seconds=1):
        raise argparse.ArgumentTypeError(f'"{text}" must be whole seconds, at least 1s')
    return int(length.total_seconds())


def offset(text: str) -> int:
    """Return a duration as whole seconds, zero allowed."""
    return int(_duration(text).total_seconds())


def _duration(text: str) -> timedelta:
    try:
        return parse_duration(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def http_url(text: str) -> str:
    """Return a URL of http or https without credentials in it."""
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise argparse.ArgumentTypeError(f'"{text}" must be a URL such as http://prometheus.monitoring:9090')
    if parts.username or parts.password:
        raise argparse.ArgumentTypeError(
            "credentials do not belong into the URL, where logs show them: use the flags that name files"
        )
    return text


def https_url(text: str) -> str:
    """Return a URL of https without credentials in it."""
    if not text.startswith("https://"):
        raise argparse.ArgumentTypeError(f'"{text}" must be a URL such as https://frostline.example:8443')
    return http_url(text)


def readable_file(text: str) -> Path:
    """Return the path of a file that is there."""
    path = Path(text)
    if not path.is_file():
        raise argparse.ArgumentTypeError(f'there is no file "{text}"')
    return path


def path(text: str) -> Path:
    """Return a path at which a file may be, or come to be."""
    return Path(text)


def namespaced_name(text: str) -> tuple[str, str]:
    """Return NAMESPACE/NAME as its parts."""
    namespace, slash, name = text.partition("/")
    if not slash or not namespace or not name or "/" in name:
        raise argparse.ArgumentTypeError(f'"{text}" must be NAMESPACE/NAME')
    return namespace, name


def address(text: str) -> tuple[str, int]:
    """Return HOST:PORT as its parts."""
    host, colon, port = text.rpartition(":")
    if not colon or not port.isdigit() or int(port) > 65_535:  # noqa: PLR2004 - the highest TCP port
        raise argparse.ArgumentTypeError(f'"{text}" must be HOST:PORT, such as 0.0.0.0:8080')
    return host.strip("[]"), int(port)


def one_of(*choices: str) -> Callable[[str], str]:
    """Return a parser that takes one of `choices`."""

    def parse(text: str) -> str:
        if text not in choices:
            raise argparse.ArgumentTypeError(f'"{text}" must be one of {", ".join(choices)}')
        return text

    return parse


def words(text: str) -> tuple[str, ...]:
    """Return the parts of a list separated by commas."""
    return tuple(part for part in (each.strip() for each in text.split(",")) if part)
