"""The simulated world that the real gigadb-roles sees, in a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import urllib.request
from pathlib import Path

import pytest
from surroundings import COLLECTION

PROGRAMS = os.environ.get("GIGADB_BIN_DIR")
PROGRAM = Path(PROGRAMS or "", "gigadb-roles")
TOPOLOGY = COLLECTION.parent / "examples" / "terraform" / "upstream" / "topology.yaml"

NEEDS_PROGRAMS = pytest.mark.skipif(not PROGRAMS, reason="GIGADB_BIN_DIR does not say where gigadb-roles is")

# The networks of the two sides' addresses; the last number is the same on both.
OTHER = {"198.51.100.": "203.0.113.", "203.0.113.": "198.51.100."}


class World:
    def __init__(self, folder):
        self.files = folder / "aws"
        self.files.mkdir()
        simulator = os.environ.get("GIGADB_SIMULATOR") or Path(PROGRAMS, "gigadb-simulator")
        self.process = subprocess.Popen([simulator, "--dns", "--aws-files", self.files], stdout=subprocess.PIPE, text=True)
        self.urls = json.loads(self.process.stdout.readline())
        seed = self.world()
        self.environment = {
            "GIGADB_TOPOLOGY": str(TOPOLOGY),
            "CLOUDFLARE_API_TOKEN": seed["cloudflare"]["tokens"][0]["value"],
            "CLOUDFLARE_BASE_URL": self.urls["cloudflare"],
            "GITLAB_TOKEN": seed["gitlab"]["tokens"][0]["value"],
            "GITLAB_BASE_URL": self.urls["gitlab"],
            "AWS_ENDPOINT_URL": self.urls["aws"],
            "AWS_CONFIG_FILE": str(self.files / "config"),
            "AWS_SHARED_CREDENTIALS_FILE": str(self.files / "credentials"),
            "AWS_EC2_METADATA_DISABLED": "true",
            "XDG_STATE_HOME": str(folder / "state"),
            "XDG_CACHE_HOME": str(folder / "cache"),
        }

    def stop(self):
        self.process.terminate()
        self.process.communicate()

    def control(self, method, name, body=None):
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request("%s/%s" % (self.urls["control"], name), data=data, method=method)
        with urllib.request.urlopen(request) as reply:
            return json.load(reply)

    def world(self):
        return self.control("GET", "world")

    def change(self, change):
        """Change the world behind everybody's back."""
        world = self.world()
        change(world)
        self.control("PUT", "world", world)

    def change_records(self, change):
        """Change every A record that leads to one of the sides."""

        def records(world):
            for zone in world["cloudflare"]["zones"]:
                for record in zone["records"]:
                    if record["type"] == "A" and network(record["content"]) in OTHER:
                        change(record)

        self.change(records)

    def swap(self):
        """Trade every address of the one side for the other's, as a person would in the dashboard."""

        def other(record):
            here = network(record["content"])
            record["content"] = OTHER[here] + record["content"].removeprefix(here)

        self.change_records(other)

    def by_dns(self):
        """Return the environment of somebody without a Cloudflare token; no record is proxied from here on."""
        self.change_records(lambda record: record.update(proxied=False))
        environment = {name: value for name, value in self.environment.items() if not name.startswith("CLOUDFLARE_")}
        return environment | {"GIGADB_DNS_SERVER": self.urls["dns"][0]}


def network(address):
    return address.rpartition(".")[0] + "."
