from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from frostline.cli.talking import RefusedError
from tests.cli.test_override import WEB, Fake, live, overridden, refusal


def manifest(tmp_path: Path, **metadata: str) -> Path:
    path = tmp_path / "web.yaml"
    template = {"spec": {"containers": [{"name": "web", "image": "web:2", "resources": {"limits": {"cpu": 1}}}]}}
    web = {"kind": "Deployment", "metadata": {"name": "web", **metadata}, "spec": {"template": template}}
    path.write_text(yaml.safe_dump_all([{"kind": "Service", "metadata": {"name": "web"}}, None, web]))
    return path


def test_like_projects_what_the_api_server_would_store(tmp_path: Path) -> None:
    fake = Fake(states=(live("True"),))

    overridden(fake, like=manifest(tmp_path))

    (tried, override_made) = fake.made
    assert tried[0] == "deployments"
    assert tried[2]
    assert tried[1]["metadata"]["name"].startswith("web-like-")
    assert override_made[1]["spec"]["template"] == {"containers": [{"name": "web", "image": "web:2"}]}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        pytest.param(
            lambda _: {"workloads": (WEB, ("DaemonSet", "log"))}, "goes with one workload", id="two workloads"
        ),
        pytest.param(lambda _: {"workloads": (("Deployment", "db"),)}, "has no deployment/db", id="another workload"),
        pytest.param(lambda path: {"like": manifest(path, namespace="x")}, "namespace x, not dating", id="elsewhere"),
    ],
)
def test_like_refuses(change: Callable[[Path], dict[str, Any]], said: str, tmp_path: Path) -> None:
    with pytest.raises(RefusedError, match=said):
        overridden(Fake(), **({"like": manifest(tmp_path)} | change(tmp_path)))


def test_like_needs_to_see_the_gate(tmp_path: Path) -> None:
    with pytest.raises(RefusedError, match="right to read releasegates"):
        overridden(Fake(refusal(403)), like=manifest(tmp_path))


@pytest.mark.parametrize("text", ["a: [", "\x00"], ids=["no YAML", "no text"])
def test_like_says_when_a_file_is_no_manifest(text: str, tmp_path: Path) -> None:
    path = tmp_path / "web.yaml"
    path.write_text(text)

    with pytest.raises(RefusedError, match="cannot be read as YAML"):
        overridden(Fake(), like=path)
