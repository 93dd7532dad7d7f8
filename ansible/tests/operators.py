"""An operator with real OpenSSH: clients and servers, and two sides with the same private addresses.

Each side is one SSH server on loopback, which is both its bastion and the machine behind it. What a cloud's network
would do stands in a program named `ssh` that comes first on PATH: it sends a bastion's public address to that side's
server, and the private address, the same on both sides, to whatever stands there on that side.
"""

from __future__ import annotations

import contextlib
import getpass
import os
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path

import pytest
from surroundings import run
from worlds import NEEDS_PROGRAMS, PROGRAM, TOPOLOGY

SSHD = shutil.which("sshd", path="/usr/sbin:/usr/local/sbin:" + os.environ["PATH"])
SSH = shutil.which("ssh")
NEEDS_SSH = [NEEDS_PROGRAMS, pytest.mark.skipif(not (SSHD and SSH), reason="not run: OpenSSH's sshd is not installed (Debian: openssh-server)")]

SIDES = {"gigadb-website": "198.51.100.11", "alt-gigadb-website": "203.0.113.11"}

HOP = """#!/usr/bin/env python3
# The network between an operator and the two sides.
import os, sys
ports = {ports!r}
arguments = sys.argv[1:]
(at, *_) = [at for at, word in enumerate(arguments) if word in ports] or [None]
if at is None:  # a private address, by way of a program of this name again
    os.execv({ssh!r}, ["ssh", "-F", "none", *arguments])
port = ports[arguments[at]]
if "-W" in arguments:
    arguments[arguments.index("-W") + 1] = "127.0.0.1:%d" % port
os.execv({ssh!r}, ["ssh", *arguments[:at], *{options!r}, "-p", str(port), "127.0.0.1", *arguments[at + 1 :]])
"""

PLAY = """
- hosts: "{hosts}"
  gather_facts: false
  tasks:
    - {{ansible.builtin.raw: 'echo $MACHINE', register: first}}
    - {{ansible.builtin.raw: 'echo $MACHINE', register: second}}
    - {{ansible.builtin.raw: 'echo $MACHINE', register: third}}
    - ansible.builtin.debug:
        msg: "reached {{{{ inventory_hostname }}}}={{{{ [first, second, third] | map(attribute='stdout_lines') | map('last') | map('trim') | join(',') }}}};"
"""


class Server:
    """An SSH server that tells which machine it is."""

    def __init__(self, folder: Path, name: str, user_key: Path):
        folder.mkdir()
        self.folder = folder
        self.key = folder / "host_key"
        keygen(self.key)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        (folder / "authorized_keys").write_text(user_key.with_suffix(".pub").read_text())
        (folder / "config").write_text(
            "\n".join((
                "Port %d" % self.port, "ListenAddress 127.0.0.1", "HostKey %s" % self.key, "PidFile none", "UsePAM no",
                "AuthorizedKeysFile %s" % (folder / "authorized_keys"), "StrictModes no", "PermitRootLogin yes",
                "PasswordAuthentication no", "SetEnv MACHINE=%s AWS_EC2_METADATA_DISABLED=true" % name, "",
            ))
        )
        if os.getuid() == 0:
            Path("/run/sshd").mkdir(exist_ok=True)
        self.start()

    def start(self):
        with (self.folder / "log").open("w") as log:
            self.process = subprocess.Popen([SSHD, "-D", "-e", "-f", self.folder / "config"], stderr=log)
        until = time.monotonic() + 20
        while True:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            assert self.process.poll() is None and time.monotonic() < until, (self.folder / "log").read_text()
            os.sched_yield()

    def public_key(self):
        return " ".join(self.key.with_suffix(".pub").read_text().split()[:2])

    def stop(self):
        """Stop it with its sessions: a client that shares a connection would keep one for a minute."""
        sessions = Path("/proc/%d/task/%d/children" % (self.process.pid, self.process.pid)).read_text().split()
        self.process.terminate()
        self.process.wait()
        for session in sessions:
            # One may have ended with the server.
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(session), signal.SIGTERM)

    def build_again(self):
        """Another machine at the same address: only its host key tells."""
        self.stop()
        self.key.unlink()
        keygen(self.key)
        self.start()


def keygen(path):
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", path], check=True)
    pub = Path(str(path) + ".pub")
    if path.with_suffix(".pub") != pub:
        pub.rename(path.with_suffix(".pub"))


class Operator:
    def __init__(self, folder: Path, ansible, world):
        self.folder = folder
        self.ansible = ansible
        self.world = world
        folder.mkdir()
        self.key = folder / "operator"
        keygen(self.key)
        self.servers = {side: Server(folder / side, side, self.key) for side in SIDES}
        self.known = folder / "known_hosts"
        with self.known.open("w") as file:
            for side, server in self.servers.items():
                for endpoint in ("web", "files", "bastion"):
                    file.write("%s-live-%s %s\n" % (side, endpoint, server.public_key()))
        self.options = ["-F", "none", "-o", "UserKnownHostsFile=%s" % self.known, "-o", "StrictHostKeyChecking=yes", "-o", "IdentitiesOnly=yes"]
        self.topology = folder / "topology.yaml"
        login = "    ssh: { user: %s, private_key: %s }\n" % (getpass.getuser(), self.key)
        text = TOPOLOGY.read_text()
        for profile in ("region: ap-east-1 }\n", "region: ap-southeast-2 }\n"):
            text = text.replace(profile, profile + login)
        self.topology.write_text(text)
        programs = folder / "programs"
        programs.mkdir()
        ports = {address: self.servers[side].port for side, address in SIDES.items()}
        hop = programs / "ssh"
        hop.write_text(HOP.format(ports=ports, ssh=SSH, options=self.options))
        hop.chmod(0o755)
        self.path = "%s:%s" % (programs, ansible.environment["PATH"])

    def stop(self):
        for server in self.servers.values():
            server.stop()

    def roles(self, *arguments, **environment):
        """Run gigadb-roles as this operator."""
        here = {"HOME": str(self.folder), "PATH": self.path, "GIGADB_TOPOLOGY": str(self.topology), "GIGADB_ENVIRONMENT": "live"}
        return run([PROGRAM, *arguments], self.world.environment | here | environment, self.folder)

    def play(self, text, *arguments, **environment):
        """Run a playbook over the real inventory."""
        play = self.folder / "play.yml"
        play.write_text(text)
        return self.ansible.playbook(
            play, "-i", PROGRAM, *arguments,
            **(self.world.environment | {
                "GIGADB_TOPOLOGY": str(self.topology),
                "GIGADB_ENVIRONMENT": "live",
                "PATH": self.path,
                "ANSIBLE_SSH_EXECUTABLE": SSH,
                "ANSIBLE_SSH_ARGS": " ".join(["-C", "-o ControlMaster=auto", "-o ControlPersist=60s", *self.options]),
                "ANSIBLE_HOST_KEY_CHECKING": "true",
            } | environment),
        )

    def reach(self, hosts, **environment):
        """Run a play of three tasks; return which machines each host's tasks ran on."""
        done = self.play(PLAY.format(hosts=hosts), **environment).succeeded()
        said = "".join(done.stdout.split())
        return {
            one.split("=")[0].removeprefix("reached"): set(one.split("=")[1].split(","))
            for one in said.replace("msg\":\"", "\0").split("\0")[1:]
            for one in [one.split(";")[0]]
        }
