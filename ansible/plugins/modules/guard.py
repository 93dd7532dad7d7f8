"""Which machine this is, as EC2 knows it; the action plugin of the same name compares that with the inventory."""

from __future__ import annotations

DOCUMENTATION = r"""
module: guard
short_description: Stop a play on the wrong side
author: GigaScience (@gigascience)
version_added: 0.1.0
description:
  - Compares the role and environment that a play expects with those that the inventory gives a host. Variables that beat the
    inventory's, such as extra variables, facts and variables of a play, do not count.
  - Asks the inventory's sources again, so that a swap since Ansible read them is found, in the middle of a play too.
  - Asks the machine as well which EC2 instance it is (from EC2's metadata service, else from its firmware), so that a connection
    to another machine than the inventory's is found.
  - Changes nothing.
options:
  role:
    description: The role that the host must hold.
    type: str
    required: true
    choices: [production, hot_standby]
  environment:
    description: The environment that the host must belong to.
    type: str
    required: true
  machine:
    description:
      - What to do about the machine. With V(auto) a machine that is another than the inventory's fails, and one that cannot say which
        it is passes. With V(require) that fails too. With V(ignore) it is not asked.
    type: str
    choices: [auto, require, ignore]
    default: auto
  not_extra:
    description: Variables that hold what the play expects, and so must not be given as extra variables.
    type: list
    elements: str
    default: []
  timeout:
    description: How many seconds the metadata service has for each answer.
    type: int
    default: 2
notes:
  - A play's C(ignore_errors), C(ignore_unreachable) and C(run_once) go for this task as well, unless it says C(false) to them itself,
    as the role P(gigascience.gigadb.role_guard#role) does.
  - The machine's environment variables E(AWS_EC2_METADATA_SERVICE_ENDPOINT) and E(AWS_EC2_METADATA_DISABLED) count, as for AWS's own programs.
attributes:
  check_mode:
    description: Works in check mode, and changes nothing anyway.
    support: full
"""

EXAMPLES = r"""
- name: Stop unless this is the hot standby of live
  gigascience.gigadb.guard:
    role: hot_standby
    environment: live
"""

RETURN = r"""
machine:
  description: What the machine says of itself; what it cannot say is left out.
  returned: where it was asked
  type: dict
  sample: {instance_id: i-0123456789abcdef0, public_ipv4: 203.0.113.10, local_ipv4: 10.99.0.10, region: ap-southeast-2}
"""

import os
import re
from urllib.error import URLError
from urllib.request import ProxyHandler, Request, build_opener

from ansible.module_utils.basic import AnsibleModule

# https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instancedata-data-categories.html
PATHS = {
    "instance_id": "instance-id",
    "public_ipv4": "public-ipv4",
    "local_ipv4": "local-ipv4",
    "region": "placement/region",
}
SHAPES = {
    "instance_id": r"i-[0-9a-f]{8,17}",
    "public_ipv4": r"[0-9]{1,3}(\.[0-9]{1,3}){3}",
    "local_ipv4": r"[0-9]{1,3}(\.[0-9]{1,3}){3}",
    "region": r"[a-z]{2,}(-[a-z]+)+-[0-9]+",
}
# https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/identify_ec2_instances.html: on Nitro, this is the instance's id.
ASSET_TAG = "/sys/devices/virtual/dmi/id/board_asset_tag"
VENDOR = "/sys/devices/virtual/dmi/id/sys_vendor"


def ask_metadata(endpoint, timeout):
    """What EC2's metadata service says of this machine; nothing where there is none."""
    # A proxy would answer for itself.
    opener = build_opener(ProxyHandler({}))
    endpoint = endpoint.rstrip("/")

    def read(method, path, headers):
        request = Request("%s/latest/%s" % (endpoint, path), method=method, headers=headers)
        with opener.open(request, timeout=timeout) as answer:
            return answer.read(1024).decode("ascii", "replace").strip()

    try:
        token = read("PUT", "api/token", {"X-aws-ec2-metadata-token-ttl-seconds": "60"})
    except (URLError, OSError, ValueError):
        return {}
    said = {}
    for name, path in PATHS.items():
        try:
            value = read("GET", "meta-data/" + path, {"X-aws-ec2-metadata-token": token})
        except (URLError, OSError, ValueError):
            continue  # a machine without a public address has no such page
        if re.fullmatch(SHAPES[name], value):
            said[name] = value
    return said


def read_file(path):
    try:
        with open(path, encoding="ascii", errors="replace") as file:
            return file.read(256).strip()
    except OSError:
        return ""


def main():
    module = AnsibleModule(
        argument_spec={
            "role": {"type": "str", "required": True, "choices": ["production", "hot_standby"]},
            "environment": {"type": "str", "required": True},
            "machine": {"type": "str", "choices": ["auto", "require", "ignore"], "default": "auto"},
            "not_extra": {"type": "list", "elements": "str", "default": []},
            "timeout": {"type": "int", "default": 2},
        },
        supports_check_mode=True,
    )
    machine = {}
    if os.environ.get("AWS_EC2_METADATA_DISABLED", "").lower() != "true":
        endpoint = os.environ.get("AWS_EC2_METADATA_SERVICE_ENDPOINT") or "http://169.254.169.254"
        machine = ask_metadata(endpoint, module.params["timeout"])
        tag = read_file(ASSET_TAG)
        if "instance_id" not in machine and re.fullmatch(SHAPES["instance_id"], tag):
            machine["instance_id"] = tag
    module.exit_json(changed=False, machine=machine, is_ec2=read_file(VENDOR) == "Amazon EC2")


if __name__ == "__main__":
    main()
