"""docker/kubernetes.yml: valid by the schemas of Kubernetes, and true about our own settings, paths and times."""

from pathlib import Path

import kubernetes_validate
import pytest
import yaml

from tests.deploy.names import close_grace_s, unknown_settings
from weaver_like.engines.celery.broker import Broker
from weaver_like.faces.ogcapi.operations import OPERATIONS
from weaver_like.jobs.health import LIMIT_S
from weaver_like.settings import CelerySettings, EngineSettings

OBJECTS = list(yaml.safe_load_all((Path(__file__).parents[2] / "docker" / "kubernetes.yml").read_text("utf-8")))
SETTINGS = next(found for found in OBJECTS if found["kind"] == "ConfigMap")["data"]
PODS = {
    found["metadata"]["name"]: found["spec"]["template"]["spec"] for found in OBJECTS if found["kind"] == "Deployment"
}


@pytest.mark.parametrize("found", OBJECTS, ids=lambda found: f"{found['kind']}-{found['metadata']['name']}")
def test_the_schemas_allow_it(found: dict) -> None:
    if found["apiVersion"].startswith("keda.sh"):
        assert found["kind"] in ("ScaledObject", "TriggerAuthentication")
    else:
        kubernetes_validate.validate(found, "1.30", strict=True)


def test_the_check_finds_a_wrong_name() -> None:
    wrong = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "x"}, "spec": {"prots": []}}
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(wrong, "1.30", strict=True)


def test_every_variable_names_a_setting() -> None:
    assert unknown_settings(SETTINGS) == []


def test_probes_ask_for_paths_that_are_there() -> None:
    paths = {operation.path for operation in OPERATIONS}
    (web,) = PODS["weaver-like-web"]["containers"]
    assert web["livenessProbe"]["httpGet"]["path"] == web["startupProbe"]["httpGet"]["path"] == "/health/live"
    assert web["readinessProbe"]["httpGet"]["path"] == "/health/ready"
    assert {"/health/live", "/health/ready"} <= paths
    assert web["readinessProbe"]["timeoutSeconds"] > LIMIT_S
    assert web["ports"][0]["containerPort"] == 4001


@pytest.mark.parametrize("name", PODS)
def test_a_pod_has_longer_than_its_jobs_and_its_pause(name: str) -> None:
    grace_s = close_grace_s(SETTINGS, EngineSettings().close_grace_s)
    assert PODS[name]["terminationGracePeriodSeconds"] >= grace_s + 10 + 45


@pytest.mark.parametrize("name", PODS)
def test_pods_have_no_rights(name: str) -> None:
    pod = PODS[name]
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["automountServiceAccountToken"] is False
    for container in pod["containers"]:
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
        mounts = {mount["mountPath"] for mount in container["volumeMounts"]}
        assert {"/data", "/tmp", "/outputs"} <= mounts, "what is written must be a volume"
        secrets = {value.rpartition("/")[0] for key, value in SETTINGS.items() if key.endswith("_FILE")}
        assert secrets <= mounts


def test_workers_are_scaled_by_the_queue_that_they_serve() -> None:
    scaled = next(found for found in OBJECTS if found["kind"] == "ScaledObject")["spec"]
    (worker,) = PODS["weaver-like-worker"]["containers"]
    environment = {entry["name"]: entry["value"] for entry in worker["env"]}
    assert scaled["scaleTargetRef"]["name"] in PODS
    (trigger,) = scaled["triggers"]
    assert (
        trigger["metadata"]["queueName"] == Broker("amqp://", CelerySettings().prefix).queue(environment["QUEUES"]).name
    )
    assert trigger["metadata"]["value"] == environment["CONCURRENCY"]
