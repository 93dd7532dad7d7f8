"""What every test runs programs with: no environment, home or network of the caller's."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

COLLECTION = Path(__file__).resolve().parent.parent
BIN = Path(sys.executable).parent

# Planted where secrets go; no output may hold them.
PASSWORD = "planted-password-7f3a"
BUCKET_SECRET = "planted-bucket-secret-91bc"


@dataclass
class Done:
    """How a program ended."""

    command: list[str]
    status: int
    stdout: str
    stderr: str

    @property
    def text(self):
        return self.stdout + self.stderr

    def succeeded(self):
        assert self.status == 0, "%s ended with %d\n%s" % (self.command, self.status, self.text)
        return self

    def failed(self, *words, status=None):
        """The program failed, and said all of these words, wherever Ansible broke the lines."""
        assert self.status != 0, "%s succeeded\n%s" % (self.command, self.text)
        assert status is None or self.status == status, "%s ended with %d\n%s" % (self.command, self.status, self.text)
        said = " ".join(self.text.split())
        for word in words:
            assert " ".join(word.split()) in said, "%r is not in\n%s" % (word, self.text)
        return self


def run(command, environment, cwd=None):
    command = [str(word) for word in command]
    done = subprocess.run(command, env=environment, cwd=cwd, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    result = Done(command, done.returncode, done.stdout, done.stderr)
    for secret in (PASSWORD, BUCKET_SECRET):
        assert secret not in result.text, "a secret was printed by %s" % command
    return result


def plain(found):
    """ansible-core 2.19 writes strings that are no templates in a wrapper."""
    return found["__ansible_unsafe"] if list(found) == ["__ansible_unsafe"] else found


class Ansible:
    """Ansible's programs, with a home folder of their own."""

    def __init__(self, home: Path, collections: Path):
        home.mkdir(parents=True, exist_ok=True)
        self.home = home
        self.environment = {
            "HOME": str(home),
            "PATH": "%s:%s" % (BIN, os.environ["PATH"]),
            "LC_ALL": "C.UTF-8",
            "ANSIBLE_COLLECTIONS_PATH": str(collections),
            "ANSIBLE_CONFIG": str(COLLECTION / "ansible.cfg"),
            "ANSIBLE_NOCOLOR": "1",
            "AWS_EC2_METADATA_DISABLED": "true",  # whatever machine runs the tests is none of the inventory's
            "ANSIBLE_PIPELINING": "1",  # half the time
            "ANSIBLE_PYTHON_INTERPRETER": sys.executable,
            "PYTHONDONTWRITEBYTECODE": "1",
        }

    def run(self, program, *arguments, cwd=None, **environment):
        return run([BIN / program, *arguments], self.environment | environment, cwd or self.home)

    def playbook(self, *arguments, **environment):
        return self.run("ansible-playbook", *arguments, **environment)


def tool(name):
    """The path of a program from the test environment, else from PATH."""
    path = BIN / name
    return path if path.exists() else Path(shutil.which(name))
