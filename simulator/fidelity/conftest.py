"""Each test owns a simulator: a process on a free port, with the world of the deployment procedure."""

import json
import os
import subprocess
import urllib.request

import boto3
import botocore.config
import cloudflare
import gitlab
import pytest

PROJECT = "gigascience/upstream/gigadb-website"
ALT_PROJECT = "gigascience/upstream/alt-gigadb-website"


class Simulator:
    """The program, its URLs, and its own interface."""

    def __init__(self, folder, *options):
        binary = os.environ["GIGADB_SIMULATOR"]
        self.process = subprocess.Popen(
            [binary, "--https", "--aws-files", str(folder), *options], stdout=subprocess.PIPE, text=True
        )
        ready = json.loads(self.process.stdout.readline())
        self.urls = ready
        self.https = ready["https"]
        self.ca_file = ready["ca_file"]
        self.folder = folder

    def control(self, method, name, body=None):
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.urls['control']}/{name}", data=data, method=method)
        with urllib.request.urlopen(request) as reply:
            return json.load(reply)

    def requests(self):
        return self.control("GET", "requests")

    def world(self):
        return self.control("GET", "world")

    def fault(self, effect, **match):
        self.control("POST", "faults", {"effect": effect, **match})

    def tokens(self, api, part):
        return next(t["value"] for t in self.world()[api]["tokens"] if part in t["value"])

    def stop(self):
        self.process.terminate()
        assert self.process.wait(10) == 0
        self.process.stdout.close()


@pytest.fixture(autouse=True)
def plain_environment(monkeypatch, tmp_path):
    """No proxy, no profile and no configuration of whoever runs the tests."""
    for name in list(os.environ):
        if name.lower().endswith("_proxy") or name.startswith(("AWS_", "CLOUDFLARE_", "GITLAB_", "TF_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


@pytest.fixture
def simulator(tmp_path, plain_environment):
    running = Simulator(tmp_path)
    yield running
    running.stop()


@pytest.fixture
def cf(simulator):
    """Cloudflare's own client with the token that may write."""
    return cloudflare_with(simulator, "PLANTED_write")


def cloudflare_with(simulator, token, **options):
    return cloudflare.Cloudflare(
        api_token=simulator.tokens("cloudflare", token),
        base_url=simulator.urls["cloudflare"],
        **{"max_retries": 0, **options},
    )


def gitlab_with(simulator, token, **options):
    url = simulator.urls["gitlab"].removesuffix("/api/v4")
    return gitlab.Gitlab(url, private_token=simulator.tokens("gitlab", token), **options)


@pytest.fixture
def gl(simulator):
    """python-gitlab with a maintainer's token."""
    return gitlab_with(simulator, "maintainer")


@pytest.fixture
def aws(simulator, monkeypatch):
    """A function that makes boto3 clients from the written profiles."""
    monkeypatch.setenv("AWS_CONFIG_FILE", str(simulator.folder / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(simulator.folder / "credentials"))

    def client(service, profile, region=None):
        session = boto3.Session(profile_name=profile, region_name=region)
        config = botocore.config.Config(retries={"total_max_attempts": 1})
        return session.client(service, endpoint_url=simulator.urls["aws"], config=config)

    return client
