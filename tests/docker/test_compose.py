"""The compose file, as compose itself reads it."""

import re

import pytest
import yaml

from tests.docker.files import DOCKER, PASSWORD, image_environment, published, resolved, run_compose_config

DAGSTER_SERVICES = ["code", "webserver", "daemon"]


@pytest.mark.parametrize("settings", [{}, {"POSTGRES_PASSWORD": ""}])
def test_without_a_password_nothing_starts(settings: dict[str, str]) -> None:
    done = run_compose_config(**settings)
    assert done.returncode != 0
    assert "set POSTGRES_PASSWORD" in done.stderr
    assert done.stdout == ""


def test_services_and_their_commands() -> None:
    services = resolved(POSTGRES_PASSWORD=PASSWORD)["services"]
    commands = {name: " ".join(service.get("command") or []) for name, service in services.items()}
    assert commands == {
        "postgres": "",
        "code": "dagster api grpc -m provision_dagster.definitions -h 0.0.0.0 -p 4000",
        "webserver": "dagster-webserver -h 0.0.0.0 -p 3000 -w workspace.yaml",
        "daemon": "dagster-daemon run -w workspace.yaml",
    }


def test_only_the_ui_is_published_and_only_on_this_machine() -> None:
    services = resolved(POSTGRES_PASSWORD=PASSWORD)["services"]
    ports = {name: published(service) for name, service in services.items()}
    assert ports == {"postgres": [], "code": [], "daemon": [], "webserver": ["127.0.0.1:3000:3000"]}
    other = resolved(POSTGRES_PASSWORD=PASSWORD, PROVISION_PORT="8080")["services"]
    assert published(other["webserver"]) == ["127.0.0.1:8080:3000"]


def test_every_service_has_a_health_check_and_comes_back() -> None:
    services = resolved(POSTGRES_PASSWORD=PASSWORD)["services"]
    checks = {name: " ".join(service["healthcheck"]["test"]) for name, service in services.items()}
    assert checks["code"] == "CMD dagster api grpc-health-check -p 4000"
    assert checks["daemon"] == "CMD dagster-daemon liveness-check"
    assert "pg_isready" in checks["postgres"]
    assert "http://127.0.0.1:3000/server_info" in checks["webserver"]
    assert {service["restart"] for service in services.values()} == {"unless-stopped"}


def test_order_of_start() -> None:
    services = resolved(POSTGRES_PASSWORD=PASSWORD)["services"]
    waits = {
        name: {other: how["condition"] for other, how in service.get("depends_on", {}).items()}
        for name, service in services.items()
    }
    one, both = {"postgres": "service_healthy"}, {"postgres": "service_healthy", "code": "service_healthy"}
    assert waits == {"postgres": {}, "code": one, "webserver": both, "daemon": both}


def test_the_password_arrives_unchanged_where_it_is_needed() -> None:
    services = resolved(POSTGRES_PASSWORD=PASSWORD)["services"]
    assert services["postgres"]["environment"]["POSTGRES_PASSWORD"] == PASSWORD
    for name in DAGSTER_SERVICES:
        assert services[name]["environment"]["DAGSTER_POSTGRES_PASSWORD"] == PASSWORD


def test_data_and_pictures() -> None:
    options = '{"AWS_REGION": "eu-central-1"}'
    chosen = {"PROVISION_DATA": "s3://bucket/tables", "PROVISION_STORAGE_OPTIONS": options}
    default = resolved(POSTGRES_PASSWORD=PASSWORD)["services"]["code"]
    other = resolved(POSTGRES_PASSWORD=PASSWORD, PROVISION_PICTURES="/srv/pictures", **chosen)
    found = other["services"]["code"]
    assert default["environment"]["PROVISION_DATA"] == "/data"
    assert mounts(default) == {"/data": "data", "/var/lib/dagster": "dagster", "/pictures": "pictures"}
    assert found["environment"]["PROVISION_DATA"] == "s3://bucket/tables"
    assert found["environment"]["PROVISION_STORAGE_OPTIONS"] == options
    assert mounts(found)["/pictures"] == "/srv/pictures"


def mounts(service: dict[str, list[object]]) -> dict[str, str]:
    """Return {folder in the container: volume or folder outside}, in the spelling of either compose."""
    found: dict[str, str] = {}
    for volume in service["volumes"]:
        if isinstance(volume, dict):
            found[volume["target"]] = volume["source"]
        else:
            source, target = str(volume).split(":")[:2]
            found[target] = source
    return found


def test_images_are_pinned_and_no_secret_is_written_down() -> None:
    text = (DOCKER / "compose.yaml").read_text()
    image = yaml.safe_load(text)["services"]["postgres"]["image"]
    assert re.fullmatch(r"postgres:\d+\.\d+-\w+", image)
    passwords = re.findall(r"PASSWORD: (.+)", text)
    assert passwords
    assert set(passwords) == {"${POSTGRES_PASSWORD:?set POSTGRES_PASSWORD}"}


def test_every_variable_of_dagster_yaml_is_set_in_every_service() -> None:
    asked = set(re.findall(r"env: (\w+)", (DOCKER / "dagster.yaml").read_text()))
    assert "DAGSTER_POSTGRES_PASSWORD" in asked
    services = resolved(POSTGRES_PASSWORD=PASSWORD)["services"]
    for name in DAGSTER_SERVICES:
        missing = asked - set(services[name]["environment"]) - set(image_environment())
        assert not missing, f"service `{name}` does not set {missing}"


def test_what_the_code_server_writes_the_webserver_shows() -> None:
    services = resolved(POSTGRES_PASSWORD=PASSWORD)["services"]
    for name in DAGSTER_SERVICES:
        assert mounts(services[name])["/var/lib/dagster"] == "dagster"
    for folder in ("DAGSTER_ARTIFACTS", "DAGSTER_LOGS"):
        assert image_environment()[folder].startswith("/var/lib/dagster/")


def test_the_workspace_names_the_code_service() -> None:
    (entry,) = yaml.safe_load((DOCKER / "workspace.yaml").read_text())["load_from"]
    command = resolved(POSTGRES_PASSWORD=PASSWORD)["services"]["code"]["command"]
    port = int(command[-1])
    assert entry["grpc_server"] == {"host": "code", "port": port, "location_name": "provision_dagster"}
