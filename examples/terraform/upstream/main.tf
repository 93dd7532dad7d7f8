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
