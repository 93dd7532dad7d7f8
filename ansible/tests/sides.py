"""Two sides as the programs of data_sync see them: a bucket, a resolver, a database and dropboxes each."""

from __future__ import annotations

import getpass
import json
import os
import re
import shutil
from pathlib import Path

from surroundings import BIN, BUCKET_SECRET, PASSWORD, Ansible, run

APEX = "gigadb.test"
ADDRESSES = {"blue": "192.0.2.10", "green": "192.0.2.20"}

RESOLVER = """#!/bin/sh
# Answers what file `apex` beside it says; without that file it fails, as a resolver does that is out of reach.
cat "$(dirname "$0")/apex"
"""

# Sets `top` to the program that runs a shadow of the test's own, or one of its jobs.
WHO_RUNS_IT = """parent() { read -r _ _ _ above _ <"/proc/$1/stat"; }
top=$PPID
parent "$top"
while [[ $(<"/proc/$above/comm") == "$(<"/proc/$top/comm")" ]]; do
    top=$above
    parent "$top"
done
"""


def project(color):
    return "gigascience-upstream-%s" % color


class Side:
    def __init__(self, pair: "Pair", color: str):
        self.pair = pair
        self.color = color
        self.root = pair.root / color
        self.programs = self.root / "programs"
        self.dropboxes = self.root / "dropboxes"
        self.replaced = self.root / "replaced"
        self.cron_file = self.root / "cron"
        self.database = "%s_%s" % (pair.name, color)

    def run(self, program, *arguments, **environment):
        environment = {"HOME": str(self.root), "PATH": os.environ["PATH"], "TZ": "Asia/Hong_Kong"} | environment
        return run([self.root / "bin" / program, *arguments], environment, self.root)

    def settings(self, *lines):
        """Append to the settings: what stands last holds."""
        with (self.programs / "data-sync.conf").open("a") as file:
            file.write("\n".join(lines) + "\n")

    def shadow(self, name, script):
        """Put a program of the test's own before the real one."""
        path = self.root / "shadow" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text("#!/usr/bin/env bash\n" + script)
        path.chmod(0o755)
        return path

    def shadow_that_is_stopped(self, name, words, signal):
        """Let this program, called with these words, have whoever runs it stopped, and then wait until it is told to end itself."""
        return self.shadow(
            name,
            WHO_RUNS_IT + 'case "$*" in %s)\n'
            '    trap "touch $HOME/stopped; exit 1" TERM; trap "" PIPE\n'  # whoever reads what it says may be gone
            '    kill -%s "$top"\n'
            '    for ((i = 0; i < 600; i++)); do sleep 0.05; done\n'
            '    exit 1 ;;\n'
            'esac\nPATH=${PATH#*:} exec %s "$@"\n' % (words, signal, name),
        )

    def fill_database(self, *genomes):
        """Make the database hold one row for each word."""
        postgres = self.pair.postgres
        if not self.database_id():
            postgres.sql('CREATE DATABASE "%s" OWNER gigadb' % self.database)
        postgres.sql(
            "DROP TABLE IF EXISTS dataset; CREATE TABLE dataset (id serial PRIMARY KEY, genome text, filler text);"
            "INSERT INTO dataset (genome, filler) SELECT word, repeat(md5(word), 200) FROM unnest(ARRAY[%s]) AS word"
            % ",".join("'%s'" % word for word in genomes),
            self.database, user="gigadb",
        )

    def genomes(self):
        return self.pair.postgres.sql("SELECT genome FROM dataset ORDER BY id", self.database).split()

    def database_id(self):
        """The database's own number: another one is another database, whatever its name."""
        return self.pair.postgres.sql("SELECT oid FROM pg_database WHERE datname = '%s'" % self.database)

    def databases(self):
        return self.pair.postgres.sql(
            "SELECT datname FROM pg_database WHERE datname LIKE '%s%%' ORDER BY 1" % self.database.replace("_", r"\_")
        ).split()


class Pair:
    def __init__(self, root: Path, postgres, name: str):
        self.root = root
        self.postgres = postgres
        self.name = name
        self.bucket = root / "bucket"
        self.resolver = root / "resolver"
        self.blue = Side(self, "blue")
        self.green = Side(self, "green")

    @property
    def sides(self):
        return (self.blue, self.green)

    def production_is(self, color):
        self.apex(ADDRESSES[color])

    def apex(self, *answers):
        (self.root / "apex").write_text("".join(answer + "\n" for answer in answers))

    def then_answer(self, *addresses):
        """The same from within a program: a shell command after which the resolver answers these, and never half of them before."""
        said = "".join(address + "\\n" for address in addresses)
        return "{ printf '%s' >%s/apex.new && mv %s/apex.new %s/apex; }" % (said, self.root, self.root, self.root)

    def dump(self, color, key):
        return self.bucket / ("gigadb_%s_live_%s.dump" % (project(color), key))

    def others_dump(self, color, key):
        """The name that other tools than ours give their dumps, and read."""
        return self.dump(color, key).with_suffix(".backup")

    def dumps(self):
        return sorted(path.name for path in self.bucket.iterdir())

    def host_variables(self, side):
        """What the inventory says of a bastion, and where the test wants things to be."""
        path = ":".join(str(part) for part in (side.root / "shadow", self.postgres.bin, BIN, "/usr/bin", "/bin", "/usr/sbin"))
        return {
            "ansible_connection": "local",
            "gigadb_environment": "live",
            "gigadb_endpoint": "bastion",
            "gigadb_infrastructure": side.color,
            "gitlab_project_string": project(side.color),
            "ec2_public_ip": ADDRESSES[side.color],
            "pg_host": str(self.postgres.root),
            "pg_user": "gigadb",
            "pg_password": PASSWORD,
            "pg_database": side.database,
            "data_sync_apex": APEX,
            "data_sync_resolver_command": [str(self.resolver)],
            "data_sync_backups": str(self.bucket),
            "data_sync_dropboxes": {project(other.color): str(other.dropboxes) for other in self.sides},
            "data_sync_dropbox_directory": str(side.dropboxes),
            "data_sync_replaced_directory": str(side.replaced),
            "data_sync_rclone_environment": {"RCLONE_CONFIG_GIGADB_S3_SECRET_ACCESS_KEY": BUCKET_SECRET},
            "data_sync_path": path,
            "data_sync_user": getpass.getuser(),
            "data_sync_directory": str(side.programs),
            "data_sync_state_directory": str(side.root / "state"),
            "data_sync_link_directory": str(side.root / "bin"),
            "data_sync_cron_file": str(side.cron_file),
            # No crontab of this machine's.
            "data_sync_replaced_cron_jobs": [],
        }

    def inventory(self, **more):
        """Write an inventory of both bastions; `more` holds variables by color. Return its path."""
        hosts = {"%s-live-bastion" % side.color: self.host_variables(side) | more.get(side.color, {}) for side in self.sides}
        path = self.root / "inventory.json"
        groups = {"env_live": {"hosts": dict.fromkeys(hosts)}, "endpoint_bastion": {"hosts": dict.fromkeys(hosts)}}
        path.write_text(json.dumps({"all": {"hosts": hosts, "children": groups}}))
        return path

    def make_folders(self):
        self.bucket.mkdir(parents=True)
        for side in self.sides:
            (side.root / "bin").mkdir(parents=True)
            side.dropboxes.mkdir()
        self.resolver.write_text(RESOLVER)
        self.resolver.chmod(0o755)

    def apply(self, ansible: Ansible, *arguments, **by_color):
        """Run the collection's own playbook over both bastions."""
        return ansible.playbook(
            "gigascience.gigadb.data_sync", "-i", self.inventory(**by_color),
            "-e", "gigadb_env=live", "-e", "ansible_become=false", *arguments,
        )

    def install(self, ansible: Ansible):
        self.make_folders()
        self.apply(ansible, blue={"gigadb_role": "production"}, green={"gigadb_role": "hot_standby"}).succeeded()

    def copy(self, root: Path, name: str):
        """Return the same two sides elsewhere, without applying the role again."""
        shutil.copytree(self.root, root, symlinks=True)
        pair = Pair(root, self.postgres, name)
        for side in pair.sides:
            settings = side.programs / "data-sync.conf"
            text = settings.read_text().replace(str(self.root), str(root)).replace(self.name + "_", name + "_")
            # The server's folder is the one of whichever process made these sides.
            settings.write_text(re.sub(r"/[^\s:'\"]*/gigadb-pg-\w+", str(self.postgres.root), text))
            for link in (side.root / "bin").iterdir():
                target = os.readlink(link)
                link.unlink()
                link.symlink_to(target.replace(str(self.root), str(root)))
        pair.production_is("blue")
        return pair

    def drop_databases(self):
        for side in self.sides:
            for database in side.databases():
                self.postgres.sql('DROP DATABASE "%s" WITH (FORCE)' % database)
