"""Stops a play on the wrong side: what the inventory says of a host, and what the machine says of itself."""

from __future__ import annotations

from ansible.errors import AnsibleError
from ansible.inventory.helpers import get_group_vars
from ansible.inventory.manager import InventoryManager
from ansible.plugins.action import ActionBase
from ansible.utils.display import Display
from ansible.utils.vars import combine_vars, load_extra_vars

display = Display()

UNCHANGED = "Nothing was changed on any host by what follows this guard."


class ActionModule(ActionBase):
    """Compares, and fails with a reason."""

    TRANSFERS_FILES = False

    def run(self, tmp=None, task_vars=None):
        result = super().run(tmp, task_vars)
        del tmp
        # No documented way leads to it: `hostvars` shows variables after everything that beats the inventory.
        inventory = task_vars["hostvars"]._inventory
        host = inventory.get_host(task_vars["inventory_hostname"])
        expected = {name: str(self._task.args.get(name, "")) for name in ("role", "environment")}
        fault = self._extra_variables() or wrong_side(host, expected) or self._wrong_by_now(inventory, host, expected)
        if fault:
            return result | {"failed": True, "msg": fault}
        if self._task.args.get("machine", "auto") == "ignore":
            return result | {"changed": False}

        said = self._execute_module(module_name="gigascience.gigadb.guard", module_args=self._task.args, task_vars=task_vars)
        if said.get("unreachable"):
            return result | said
        if said.get("failed") and "machine" not in said:
            said = {"reason": said.get("msg", ""), "machine": {}, "is_ec2": False}
        fault = self._wrong_machine(variables_of(host), said, host.name)
        if fault:
            return result | {"failed": True, "msg": fault, "machine": said["machine"]}
        return result | {"changed": False, "machine": said["machine"]}

    def _extra_variables(self):
        given = sorted(set(self._task.args.get("not_extra") or ()) & set(load_extra_vars(self._loader)))
        if not given:
            return None
        return (
            "What this play is for was given as an extra variable: %s. The guard would then agree with whoever typed it. %s "
            "Take it out of the command; the play itself says which side it is for." % (", ".join(given), UNCHANGED)
        )

    def _wrong_by_now(self, inventory, host, expected):
        """Asks the inventory's sources again: roles may be swapped after Ansible has read them, in the middle of a play too."""
        try:
            now = InventoryManager(loader=self._loader, sources=inventory._sources).get_host(host.name)
        except AnsibleError as error:
            return "It is not known whether %s is still %s of %s: %s. %s" % (host.name, expected["role"], expected["environment"], error, UNCHANGED)
        if now is None:
            return "The inventory no longer lists %s since Ansible read it. %s Run `gigadb-roles status`." % (host.name, UNCHANGED)
        fault = wrong_side(now, expected)
        return fault and "The roles have changed since Ansible read the inventory. " + fault

    def _wrong_machine(self, variables, said, name):
        machine = said["machine"]
        pairs = [
            (what, wanted, machine[key])
            for key, what, wanted in (
                ("instance_id", "instance", variables.get("gigadb_instance_id")),
                ("public_ipv4", "public address", variables.get("gigadb_public_ip")),
                ("local_ipv4", "private address", variables.get("gigadb_private_ip")),
                ("region", "region", variables.get("aws_region")),
            )
            if wanted and key in machine
        ]
        differing = [pair for pair in pairs if str(pair[1]) != pair[2]]
        if differing:
            return (
                "Another machine answers as %s: %s. %s "
                "A connection that was kept open, an entry of known_hosts or a way through another bastion leads to the wrong side. "
                "Close kept connections (ssh -O exit, or remove their sockets, in ~/.ansible/cp or at the ControlPath of ssh_config or ssh_args), "
                "see that ansible_control_path differs for every host and that no other ControlPath is in use, and run this again."
                % (name, "; ".join("its %s is %s, the inventory says %s" % (what, is_, wanted) for what, wanted, is_ in differing), UNCHANGED)
            )
        if pairs:
            return None
        reason = said.get("reason") or "neither EC2's metadata service nor its firmware says it"
        if self._task.args.get("machine") == "require":
            return (
                "It is not known which machine answers as %s: %s. %s Allow the instance its metadata service, "
                "or set role_guard_machine to `auto`." % (name, reason, UNCHANGED)
            )
        if said.get("is_ec2") or said.get("reason"):
            display.warning("%s was not asked which machine it is: %s; only the inventory was compared." % (name, reason))
        return None


def wrong_side(host, expected):
    """Why a host, as the inventory's sources give it, is not what the play is for; None where it is."""
    variables = variables_of(host)
    role, environment = variables.get("gigadb_role"), variables.get("gigadb_environment")
    groups = {group.name for group in host.get_groups()}
    group = "".join(c if c.isalnum() and c.isascii() else "_" for c in expected["environment"].lower())
    # Groups come from the same inventory as the roles. A variable from another source must not contradict them,
    # and beside a host of the program's it says nothing where they are silent: its role is not clear then.
    ours = any(name.startswith("infra_") for name in groups)
    by_group = {name for name in groups if name in ("role_production", "role_hot_standby")}
    other_role = (ours or by_group) and by_group != {"role_%s" % expected["role"]}
    other_environment = ours and "env_%s" % group not in groups
    if role == expected["role"] and environment == expected["environment"] and not other_role and not other_environment:
        return None
    is_what = "has no clear role" if role is None else "is %s" % role
    if other_role and role == expected["role"]:
        in_what = "group %s" % ", ".join(sorted(by_group)) if by_group else "no group by role, so that its role is not clear"
        is_what += " by its variables but in %s," % in_what
    of_what = "of no known environment" if environment is None else "of %s" % environment
    if other_environment and environment == expected["environment"]:
        of_what += " by its variables but not in group env_%s" % group
    return (
        "This play is for %s of %s, but %s %s %s. %s Only the inventory counts; extra variables and variables of the play do not. "
        "Run `gigadb-roles status`, then choose hosts by role (group %s_%s_bastion and the like)."
        % (
            expected["role"], expected["environment"], host.name, is_what,
            of_what, UNCHANGED, expected["role"], group,
        )
    )


def variables_of(host):
    """A host's variables as the sources of the inventory give them, groups first."""
    return combine_vars(get_group_vars(host.get_groups()), host.vars)
