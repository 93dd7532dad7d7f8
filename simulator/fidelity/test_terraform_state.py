"""GitLab's Terraform states as Terraform's own HTTP backend sees them."""

import json
import os
import shutil
import subprocess

import pytest

from conftest import PROJECT

TERRAFORM = os.environ.get("GIGADB_TERRAFORM") or shutil.which("terraform")
LOCK = {"ID": "held", "Operation": "swap", "Info": "", "Who": "ops@host", "Version": "1", "Created": "now", "Path": ""}

MAIN = """
terraform {
  backend "http" {
    address        = "%(address)s"
    lock_address   = "%(address)s/lock"
    unlock_address = "%(address)s/lock"
    lock_method    = "POST"
    unlock_method  = "DELETE"
    retry_max      = 0
    username       = "deployer"
  }
}
resource "terraform_data" "one" {
  input = "%(input)s"
}
"""


@pytest.fixture
def root(simulator, tmp_path):
    if not TERRAFORM:
        pytest.skip("terraform is not on PATH")
    folder = tmp_path / "root"
    folder.mkdir()
    [project] = [p for p in simulator.world()["gitlab"]["projects"] if p["path"] == PROJECT]
    address = f"{simulator.urls['gitlab']}/projects/{project['id']}/terraform/state/fidelity"
    environment = {
        **os.environ,
        "TF_HTTP_PASSWORD": simulator.tokens("gitlab", "maintainer"),
        "TF_IN_AUTOMATION": "1",
        "CHECKPOINT_DISABLE": "1",
    }

    def run(*arguments, input_value="first"):
        (folder / "main.tf").write_text(MAIN % {"address": address, "input": input_value})
        return subprocess.run(
            [TERRAFORM, *arguments, "-no-color"], cwd=folder, env=environment, capture_output=True, text=True
        )

    assert run("init", "-input=false").returncode == 0
    return run


def state(simulator):
    [project] = [p for p in simulator.world()["gitlab"]["projects"] if p["path"] == PROJECT]
    return project["terraform_states"].get("fidelity")


def test_terraform_locks_writes_reads_and_unlocks(simulator, root):
    applied = root("apply", "-auto-approve", "-input=false")
    assert applied.returncode == 0, applied.stderr
    assert state(simulator)["lock"] is None
    calls = [(one["method"], one["template"].rsplit("/", 1)[-1]) for one in simulator.requests()]
    assert calls.index(("POST", "lock")) < calls.index(("POST", "{name}")) < calls.index(("DELETE", "lock"))
    assert root("plan", "-detailed-exitcode").returncode == 0
    assert root("apply", "-auto-approve", input_value="second").returncode == 0
    newest = max(state(simulator)["versions"], key=int)
    assert json.loads(state(simulator)["versions"][newest])["resources"][0]["instances"][0]["attributes"]["input"]["value"] == "second"


def test_a_held_lock_stops_terraform_and_names_it(simulator, root):
    assert root("apply", "-auto-approve").returncode == 0
    world = simulator.world()
    [project] = [p for p in world["gitlab"]["projects"] if p["path"] == PROJECT]
    project["terraform_states"]["fidelity"]["lock"] = {"id": LOCK["ID"], "username": "somebody", "created": "2026-08-20T09:00:00Z"}
    simulator.control("PUT", "world", world)
    refused = root("apply", "-auto-approve", input_value="third")
    assert refused.returncode != 0
    assert "Error acquiring the state lock" in refused.stderr
    assert "already locked: ID=held" in refused.stderr
    assert root("force-unlock", "-force", "held").returncode == 0
    assert root("apply", "-auto-approve", input_value="third").returncode == 0
