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

# To swap the roles, name the other infrastructure, plan, read the plan, apply.
resource "gigadb_role_assignment" "live" {
  environment = "live"
  production  = "gigadb-website"
}

resource "gigadb_role_assignment" "staging" {
  environment = "staging"
  production  = "gigadb-website"
}

# What would stand in the way of the swaps that are planned; nothing where the roles already are as written.
data "gigadb_preflight" "live" {
  environment = gigadb_role_assignment.live.environment
  production  = gigadb_role_assignment.live.production
}

data "gigadb_preflight" "staging" {
  environment = gigadb_role_assignment.staging.environment
  production  = gigadb_role_assignment.staging.production
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
