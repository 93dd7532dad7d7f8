terraform {
  required_version = ">= 1.5"
  required_providers {
    gigadb = {
      source = "gigascience/gigadb"
    }
  }
}

# Tokens come from CLOUDFLARE_API_TOKEN and GITLAB_TOKEN, AWS access from the profiles that the topology names.
provider "gigadb" {
  topology_file = "${path.module}/topology.yaml"
}

# Who is production. To swap the roles, name the other infrastructure, plan, read the plan, apply.
locals {
  production = {
    live    = "gigadb-website"
    staging = "gigadb-website"
  }
}

resource "gigadb_role_assignment" "live" {
  environment = "live"
  production  = local.production.live
}

resource "gigadb_role_assignment" "staging" {
  environment = "staging"
  production  = local.production.staging
}

# What would stand in the way of the swaps that are planned; nothing where the roles already are as written.
# The arguments are values, not attributes of the resources: else Terraform reads these during apply only.
data "gigadb_preflight" "live" {
  environment = "live"
  production  = local.production.live
}

data "gigadb_preflight" "staging" {
  environment = "staging"
  production  = local.production.staging
}

check "preflight" {
  assert {
    condition     = length(data.gigadb_preflight.live.findings) == 0
    error_message = join("\n\n", data.gigadb_preflight.live.findings[*].message)
  }
  assert {
    condition     = length(data.gigadb_preflight.staging.findings) == 0
    error_message = join("\n\n", data.gigadb_preflight.staging.findings[*].message)
  }
}
