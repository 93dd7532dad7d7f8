# Copyright: GigaScience
# SPDX-License-Identifier: Apache-2.0

"""Inventory plugin: what `gigadb-roles inventory --list` says, for Ansible."""

from __future__ import annotations

DOCUMENTATION = r"""
name: gigadb
short_description: Hosts of GigaDB's infrastructures, grouped by the role that each side holds now
version_added: 0.1.0
author:
  - GigaScience (@gigascience)
description:
  - Runs C(gigadb-roles inventory --list), which finds hosts in EC2 and asks DNS who is production.
  - Reads a YAML file named C(gigadb.yml), or whose name ends in C(.gigadb.yml) or C(.gigadb.yaml).
  - Every warning of the program becomes a warning of Ansible; whenever it fails, the inventory fails with its reason.
  - Set C(any_unparsed_is_failed = true) in section C([inventory]) of C(ansible.cfg). Otherwise Ansible may end
    a play over a failed inventory with "no hosts matched" and status 0.
  - String options may be templates over extra variables, for example C(environment="{{ gigadb_env }}").
notes:
  - Roles are never cached. The program is run at every call, and what derives from a role always comes from its answer.
  - With O(cache=true), Ansible's cache keeps which hosts there are and those of their variables and groups that no role
    decides. Within O(cache_timeout) these come from the cache.
  - No cache is used while a role is in scope, because then even the list of hosts derives from roles.
  - The program keeps a cache of hosts of its own, governed by O(max_age), which is all that most users need.
    C(--flush-cache) and the task C(refresh_inventory) make it read hosts anew.
  - Every value is data. A tag or a Terraform output that holds C({{ ... }}) stays that text.
extends_documentation_fragment:
  - constructed
  - inventory_cache
options:
  plugin:
    description: Marks the file as a source of this plugin.
    type: str
    required: true
    choices: [gigascience.gigadb.gigadb]
  program:
    description: The program to run, as a name found on E(PATH) or as a path.
    type: str
    default: gigadb-roles
  topology:
    description:
      - The topology file. A relative path starts at the folder of this inventory source.
      - Without it, the program reads E(GIGADB_TOPOLOGY), else C(topology.yaml) in the working directory.
    type: str
  environment:
    description:
      - Only hosts of this environment. Without it, the program obeys E(GIGADB_ENVIRONMENT).
    type: str
  role:
    description:
      - Only hosts of the side that holds this role now. Without it, the program obeys E(GIGADB_ROLE).
      - Either V(production) or V(hot_standby).
    type: str
  infrastructure:
    description:
      - Only hosts of this infrastructure. Without it, the program obeys E(GIGADB_INFRASTRUCTURE).
    type: str
  max_age:
    description:
      - How old, in seconds, the program's own cache of hosts may be; V(0) bypasses it.
        Without it, the program obeys E(GIGADB_MAX_AGE).
    type: int
  refresh:
    description: Read hosts afresh, whatever the age of the program's cache or of Ansible's.
    type: bool
    default: false
  strict:
    description:
      - Fail where an expression of O(compose), O(groups) or O(keyed_groups) is invalid.
      - Fail, too, where a region or an API is out of reach, instead of listing the last known hosts with a warning.
    type: bool
    default: false
"""

EXAMPLES = r"""
# both sides of live; groups such as production_live_bastion follow the roles
plugin: gigascience.gigadb.gigadb
topology: ../topology.yaml
environment: live
---
# whoever is hot standby now, in the environment given by -e gigadb_env=live;
# one side is in scope, so the name_* groups of older playbooks exist
plugin: gigascience.gigadb.gigadb
topology: ../topology.yaml
environment: "{{ gigadb_env }}"
role: hot_standby
---
# groups and variables of one's own
plugin: gigascience.gigadb.gigadb
keyed_groups:
  - key: aws_region
    prefix: aws
groups:
  databases_to_dump: gigadb_role | default('') == 'production' and gigadb_endpoint == 'bastion'
compose:
  dropbox_root: "'/share/dropbox/' ~ gigadb_environment"
"""

import hashlib
import json
import os
import subprocess
import time

from ansible.errors import AnsibleError, AnsibleParserError
from ansible.module_utils.common.text.converters import to_native, to_text
from ansible.plugins.inventory import BaseInventoryPlugin, Cacheable, Constructable
from ansible.utils.unsafe_proxy import wrap_var

SUFFIXES = (".gigadb.yml", ".gigadb.yaml")
NAMES = ("gigadb.yml", "gigadb.yaml")

# What the answer derives from a role: never cached, always taken from the present answer.
ROLE_VARIABLES = frozenset(
    (
        "gigadb_role",
        "backup_source_project_string",
        "reset_database_cronjob_state",
        "sync_dropboxes_cronjob_state",
        "upload_database_backup_to_S3_cronjob_state",
    )
)
ROLE_GROUPS = ("role_", "production_", "hot_standby_")

# Environment variables that change what the program answers: part of the cache's key.
SCOPE_FROM_ENVIRONMENT = (
    "GIGADB_TOPOLOGY",
    "GIGADB_ENVIRONMENT",
    "GIGADB_INFRASTRUCTURE",
    "TF_KEY_NAME",
)


class InventoryModule(BaseInventoryPlugin, Constructable, Cacheable):
    NAME = "gigascience.gigadb.gigadb"

    def verify_file(self, path):
        name = os.path.basename(path)
        return super().verify_file(path) and (name in NAMES or name.endswith(SUFFIXES))

    def parse(self, inventory, loader, path, cache=True):
        super().parse(inventory, loader, path, cache)
        self._read_config_data(path)
        answer = self._ask(self._command(path, cache))
        if self._may_cache():
            self.load_cache_plugin()
            answer = self._with_cache(answer, self._cache_key(path), read=cache)
        self._fill(answer)

    # the program

    def _command(self, path, cache):
        command = [self._text("program"), "inventory", "--list"]
        topology = self._text("topology")
        if topology:
            folder = os.path.dirname(os.path.abspath(path))
            command += ["--topology", os.path.join(folder, os.path.expanduser(topology))]
        for option in ("environment", "role", "infrastructure"):
            value = self._text(option)
            if value:
                command += ["--" + option, value]
        if self.get_option("max_age") is not None:
            command += ["--max-age", str(self.get_option("max_age"))]
        # Ansible asks for no cache with --flush-cache and after `meta: refresh_inventory`.
        if self.get_option("refresh") or not cache:
            command.append("--refresh")
        if self.get_option("strict"):
            command.append("--strict")
        return command

    def _text(self, option):
        """Return a string option, templated over extra variables; None where it is empty."""
        value = self.get_option(option)
        if value and self.templar.is_template(value):
            self.templar.available_variables = self._vars
            try:
                value = self.templar.template(value)
            except AnsibleError as error:
                raise AnsibleParserError(
                    "cannot read option `%s` of the inventory source: %s. No host was listed. "
                    "Give the variable it names with --extra-vars, or write the value down." % (option, to_native(error))
                ) from error
        return to_text(value) if value else None

    def _ask(self, command):
        try:
            done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, check=False)
        except OSError as error:
            raise AnsibleParserError(
                "cannot run `%s`: %s. No host was listed. Install gigadb-roles on PATH, "
                "or set option `program` of the inventory source." % (command[0], to_native(error.strerror))
            ) from error
        said = to_text(done.stderr, errors="surrogate_or_replace").strip()
        if done.returncode != 0:
            raise AnsibleParserError(
                "`%s` ended with status %d; no host was listed.\n%s" % (" ".join(command), done.returncode, said or "It gave no reason.")
            )
        for warning in paragraphs(said):
            self.display.warning(warning)
        try:
            answer = json.loads(done.stdout, object_hook=plain)
        except ValueError as error:
            raise AnsibleParserError("`%s` did not answer in JSON: %s. No host was listed." % (" ".join(command), error)) from error
        hostvars = answer.get("_meta", {}).get("hostvars") if isinstance(answer, dict) else None
        if not isinstance(hostvars, dict):
            raise AnsibleParserError(
                "the answer of `%s` has no `_meta.hostvars`; no host was listed. Does option `program` name gigadb-roles?" % " ".join(command)
            )
        return Answer(
            hostvars,
            {
                name: {
                    "hosts": content.get("hosts", []),
                    "children": content.get("children", []),
                    "vars": content.get("vars", {}),
                }
                for name, content in answer.items()
                if name != "_meta"
            },
        )

    # Ansible's cache

    def _may_cache(self):
        return self.get_option("cache") and not self._text("role") and not os.environ.get("GIGADB_ROLE")

    def _cache_key(self, path):
        scope = [self._text(option) for option in ("program", "topology", "environment", "infrastructure")]
        scope += [os.environ.get(name) or None for name in SCOPE_FROM_ENVIRONMENT] + [os.getcwd()]
        digest = hashlib.sha256(json.dumps(scope).encode()).hexdigest()[:16]
        return "%s_%s" % (self.get_cache_key(path), digest)

    def _with_cache(self, answer, key, read):
        """Return the answer with everything that no role decides as Ansible's cache has it, if it does."""
        if read and not self.get_option("refresh"):
            try:
                kept = self._cache[key]
            except KeyError:
                kept = None
            if kept is not None:
                return answer.over(kept, time.time())
        self._cache[key] = answer.without_roles(time.time())
        return answer

    # Ansible's inventory

    def _fill(self, answer):
        for host, variables in answer.hostvars.items():
            self.inventory.add_host(host)
            for name, value in variables.items():
                self.inventory.set_variable(host, name, wrap_var(value))
        for group in answer.groups:
            self.inventory.add_group(group)
        for group, content in answer.groups.items():
            for name, value in content["vars"].items():
                self.inventory.set_variable(group, name, wrap_var(value))
            for host in content["hosts"]:
                self.inventory.add_host(host, group=group)
            for child in content["children"]:
                self.inventory.add_group(child)
                if group != "all":
                    self.inventory.add_child(group, child)
        strict = self.get_option("strict")
        for host in answer.hostvars:
            variables = self.inventory.get_host(host).get_vars()
            self._set_composite_vars(self.get_option("compose"), variables, host, strict=strict)
            self._add_host_to_composed_groups(self.get_option("groups"), variables, host, strict=strict)
            self._add_host_to_keyed_groups(self.get_option("keyed_groups"), variables, host, strict=strict)


def plain(found):
    """Return the text that the program marked as no template; every text is marked again for Ansible."""
    return found["__ansible_unsafe"] if list(found) == ["__ansible_unsafe"] else found


class Answer:
    """What the program said: variables by host, and groups."""

    def __init__(self, hostvars, groups):
        self.hostvars = hostvars
        self.groups = groups

    def without_roles(self, now):
        """Return what may be cached, as plain data: nothing in it was decided by a role."""
        return {
            "cached_at": now,
            "hostvars": {
                host: {name: value for name, value in variables.items() if name not in ROLE_VARIABLES}
                for host, variables in self.hostvars.items()
            },
            "groups": {
                name: dict(content, children=[child for child in content["children"] if not child.startswith(ROLE_GROUPS)])
                for name, content in self.groups.items()
                if not name.startswith(ROLE_GROUPS)
            },
        }

    def over(self, kept, now):
        """Return what was kept, with the roles of this answer; a host that this answer lacks has no role."""
        elapsed = max(0, int(now - kept["cached_at"]))
        hostvars = {}
        for host, variables in kept["hostvars"].items():
            present = self.hostvars.get(host, {})
            hostvars[host] = dict(variables)
            hostvars[host].update((name, value) for name, value in present.items() if name in ROLE_VARIABLES)
            if "gigadb_age_seconds" in variables:
                hostvars[host]["gigadb_age_seconds"] = variables["gigadb_age_seconds"] + elapsed
            if not present:
                hostvars[host]["gigadb_stale"] = True
        groups = dict(kept["groups"])
        for name, content in self.groups.items():
            if name.startswith(ROLE_GROUPS):
                groups[name] = dict(content, hosts=[host for host in content["hosts"] if host in hostvars])
        return Answer(hostvars, groups)


def paragraphs(text):
    """Split what the program said into messages: each starts at a line that says `warning:`, or after an empty line."""
    messages = []
    start = True
    for line in text.splitlines():
        if not line.strip():
            start = True
            continue
        if start or line.startswith("warning:"):
            messages.append([])
            start = False
        messages[-1].append(line.removeprefix("warning:").strip())
    return ["\n".join(lines) for lines in messages]
