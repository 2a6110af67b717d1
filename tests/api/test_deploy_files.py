"""The files that clusters are started from are what Ray accepts, and name what there is."""

import json
import warnings
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # Ray's own models use what pydantic calls deprecated
    import ray
    from ray.serve.schema import ServeDeploySchema

    from serve import application

ROOT = Path(__file__).parents[2]


def loaded(name: str) -> Any:
    return yaml.safe_load((ROOT / name).read_text("utf-8"))


def test_the_serve_config_is_accepted_and_says_what_the_code_says() -> None:
    config = ServeDeploySchema.model_validate(loaded("configs/serve.yaml"))
    (app,) = config.applications
    module, _, name = app.import_path.partition(":")
    assert (module, getattr(application, name)) == ("serve.application", application.app)
    assert (app.name, app.route_prefix) == (application.NAME, "/")
    (written,) = app.deployments
    coded = application.Api._deployment_config
    assert written.name == application.Api.name
    for field in ("max_ongoing_requests", "max_queued_requests", "max_surge_percent", "health_check_period_s"):
        assert getattr(written, field) == getattr(coded, field), field
    for field in ("min_replicas", "max_replicas", "target_ongoing_requests", "downscale_delay_s"):
        assert written.autoscaling_config[field] == getattr(coded.autoscaling_config, field), field


def test_the_cluster_file_fits_the_schema_of_ray_up() -> None:
    cluster = loaded("ray_cluster.yaml")
    jsonschema.validate(cluster, json.loads((Path(ray.__file__).parent / "autoscaler/ray-schema.json").read_text()))
    assert cluster["head_node_type"] in cluster["available_node_types"]


@pytest.mark.parametrize("which", ["head_start_ray_commands", "worker_start_ray_commands"])
def test_every_node_starts_with_the_token_and_outside_of_the_worker_ports(which: str) -> None:
    start = loaded("ray_cluster.yaml")[which][-1]
    for needed in (
        "RAY_AUTH_MODE=token",
        "RAY_SERVE_ENABLE_HA_PROXY=1",
        "RAY_SERVE_THROUGHPUT_OPTIMIZED=1",
        "cluster.env",
    ):
        assert needed in start
    assert "--min-worker-port=20000" in start
