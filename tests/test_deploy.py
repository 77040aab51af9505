"""What is offered for running it elsewhere fits the program: units, containers, proxy, example settings."""

from __future__ import annotations

import configparser
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from app import cli
from app.core.settings import SETTINGS
from tests.journeys.system import ROOT
from tests.test_architecture import nothing

DEPLOY = ROOT / "deploy"
UNITS = sorted(DEPLOY.glob("systemd/*.service"))
COMMANDS = {name for names in cli.COMMANDS.values() for name in names}
NGINX = shutil.which("nginx", path="/usr/sbin:/usr/local/sbin:/usr/bin:/opt/homebrew/bin")
KNOWN = {one.name for one in SETTINGS} | {"ONCALL_INSTANCE", "POSTGRES_PASSWORD"}


def services() -> dict[str, dict[str, object]]:
    """The containers of compose.yaml that run our image."""
    found = yaml.safe_load((DEPLOY / "compose.yaml").read_text())["services"]
    return {name: one for name, one in found.items() if one.get("image") == "oncall-platform"}


@pytest.mark.parametrize("path", UNITS, ids=lambda path: path.name)
def test_a_unit_runs_a_command_that_exists_without_privileges(path: Path):
    unit = configparser.RawConfigParser(strict=False)
    unit.optionxform = str
    unit.read(path)
    said = re.findall(r"^Exec\w+=\S+/oncall (\w+)", path.read_text(), re.MULTILINE)
    assert said and set(said) <= COMMANDS
    assert (unit["Service"]["User"], unit["Service"]["NoNewPrivileges"]) == ("oncall", "yes")
    assert unit["Service"]["Restart"] == "always"


def test_there_is_a_unit_and_a_container_for_each_part():
    parts = {"web", "live", "worker", "clock", "mail"}
    assert {path.stem for path in UNITS} == {"oncall", *(f"oncall-{part}" for part in parts)}
    assert set(services()) == parts | {"migrate"}


def test_each_container_runs_a_command_that_exists_with_settings_that_exist():
    for name, one in services().items():
        assert one["command"][1] in COMMANDS, name
        assert set(one["environment"]) <= KNOWN, name
        assert (one["read_only"], one["cap_drop"]) == (True, ["ALL"]), name


def test_the_image_holds_every_folder_the_program_needs():
    copied = set(re.findall(r"^COPY (\w+) \w+$", (DEPLOY / "Dockerfile").read_text(), re.MULTILINE))
    assert copied == {"app", "plugins", "migrations", "templates", "static"}
    allowed = set(re.findall(r"^!(\S+)$", (DEPLOY / "Dockerfile.dockerignore").read_text(), re.MULTILINE))
    nothing(f"{name} is copied and ignored" for name in copied - allowed)
    nothing(f"{name} does not exist" for name in allowed if not (ROOT / name).exists())


def test_every_example_setting_is_one():
    text = (DEPLOY / "oncall.env.example").read_text()
    names = set(re.findall(r"^#?([A-Z][A-Z_]+)=", text, re.MULTILINE))
    assert "BASE_URL" in names and names <= KNOWN


@pytest.mark.skipif(NGINX is None, reason="nginx is not installed")
@pytest.mark.parametrize("name", ["nginx.conf", "nginx-compose.conf"])
def test_nginx_takes_its_configuration(name: str, tmp_path: Path):
    site = (DEPLOY / name).read_text().replace(" ssl http2;", ";")
    site = site.replace("/etc/nginx/oncall-locations.conf", f"'{DEPLOY / 'nginx-locations.conf'}'")
    site = re.sub("server (web|live):", "server 127.0.0.1:", site)
    site = re.sub(r"^ *ssl_certificate.*\n", "", site, flags=re.MULTILINE)
    tmp_path.joinpath("site.conf").write_text(site)
    tmp_path.joinpath("nginx.conf").write_text(
        f"pid '{tmp_path}/pid'; error_log stderr; events {{}} http {{ access_log off; include '{tmp_path}/site.conf'; }}")
    command = [str(NGINX), "-t", "-c", str(tmp_path / "nginx.conf")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 0, done.stderr


def test_live_pages_go_to_their_own_process():
    text = (DEPLOY / "nginx-locations.conf").read_text()
    live = re.search(r"location /live/ \{(.*?)\}", text, re.DOTALL)
    assert live and "proxy_pass http://oncall_live;" in live[1] and "Upgrade $http_upgrade" in live[1]
