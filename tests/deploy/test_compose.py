"""docker/compose*.yml: valid by the Compose Specification, and true about our own settings, paths and times."""

import json
from datetime import timedelta
from pathlib import Path

import compose_spec
import pytest
import yaml

from tests.deploy.names import close_grace_s, unknown_settings
from weaver_like.settings import EngineSettings

DOCKER = Path(__file__).parents[2] / "docker"
FILES = sorted(DOCKER.glob("compose*.yml"))
OURS = "weaver-like:"


@pytest.fixture(params=FILES, ids=lambda path: path.name)
def text(request: pytest.FixtureRequest) -> str:
    return request.param.read_text("utf-8")


@pytest.fixture
def services(text: str) -> dict[str, dict]:
    return yaml.safe_load(text)["services"]


def seconds(duration: str) -> float:
    unit = {"s": 1, "m": 60}[duration[-1]]
    return timedelta(seconds=int(duration[:-1]) * unit).total_seconds()


def check(text: str) -> None:
    """By the Compose Specification. The library knows no YAML merges, which Compose does: they are done before."""
    compose_spec.PyCompose.from_json(json.dumps(yaml.safe_load(text))).validate()


def test_the_specification_allows_it(text: str) -> None:
    check(text)


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("restart: unless-stopped", "restart: perhaps"),
        ("stop_grace_period: 60s", "stop_grace_period: long"),
        ("    image:", "    imagine:"),
    ],
)
def test_the_check_finds_what_the_specification_forbids(right: str, wrong: str) -> None:
    text = (DOCKER / "compose.small.yml").read_text("utf-8")
    assert right in text
    with pytest.raises(ValueError, match=r"."):
        check(text.replace(right, wrong))


def test_what_services_use_is_declared(text: str) -> None:
    document = yaml.safe_load(text)
    for service in document["services"].values():
        assert {volume.partition(":")[0] for volume in service["volumes"]} <= document["volumes"].keys()
        assert set(service.get("networks", [])) <= document.get("networks", {}).keys()
        assert {
            part["source"] if isinstance(part, dict) else part for part in service.get("secrets", [])
        } <= document.get("secrets", {}).keys()


def test_every_variable_names_a_setting(services: dict[str, dict]) -> None:
    ours = [service for service in services.values() if service["image"].startswith(OURS)]
    assert ours
    for service in ours:
        assert unknown_settings(service["environment"]) == []
        assert service["environment"]["CONTAINER_MODE"] in ("all", "server", "worker")


def test_a_stop_has_longer_than_running_jobs_have(services: dict[str, dict]) -> None:
    for service in services.values():
        if service["image"].startswith(OURS):
            assert (
                seconds(service["stop_grace_period"])
                >= close_grace_s(service["environment"], EngineSettings().close_grace_s) + 45
            )


def test_images_are_pinned_and_only_the_web_is_reached_and_from_this_host(services: dict[str, dict]) -> None:
    for name, service in services.items():
        version = service["image"].partition(":")[2]
        assert version.count(".") == 2, service["image"]
        assert all(port.startswith("127.0.0.1:") for port in service.get("ports", []))
        assert not service.get("ports") or name in ("web", "weaver-like")


def test_what_others_depend_on_has_a_health_check(services: dict[str, dict]) -> None:
    for service in services.values():
        assert service["restart"] == "unless-stopped"
        for name, condition in service.get("depends_on", {}).items():
            assert condition == {"condition": "service_healthy"}
            assert services[name]["healthcheck"]["test"][0] == "CMD"


def test_no_password_is_in_the_file(text: str) -> None:
    assert "://" not in text.replace("amqp://", "").replace("mongodb://", "") or "@" not in text
    assert "password:" not in text.lower().replace("mongodb_password:\n", "")


def test_every_secret_of_a_service_is_made(services: dict[str, dict], tmp_path: Path) -> None:
    """docker/make_secrets, run for real on a copy."""
    namespace = {"__name__": "made", "__file__": str(tmp_path / "make_secrets")}
    exec(compile((DOCKER / "make_secrets").read_text("utf-8"), "make_secrets", "exec"), namespace)
    namespace["main"]()
    made = {path.name: path.read_text("utf-8") for path in (tmp_path / "secrets").iterdir()}
    used = {
        part["source"] if isinstance(part, dict) else part
        for service in services.values()
        for part in service.get("secrets", [])
    }
    assert used <= made.keys()
    assert made["mongodb_password"] in made["store_url"]
    namespace["main"]()
    assert (tmp_path / "secrets" / "store_url").read_text("utf-8") == made["store_url"], (
        "a second run changed a password"
    )
