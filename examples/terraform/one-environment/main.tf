terraform {
  required_version = ">= 1.5"
  required_providers {
    gigadb = {
      source = "gigascience/gigadb"
    }
  }
}

variable "production" {
  description = "Infrastructure that shall be production in staging."
  type        = string
  default     = "gigadb-website"
}

provider "gigadb" {
  topology_file = "${path.module}/topology.yaml"
}

resource "gigadb_role_assignment" "staging" {
  environment = "staging"
  production  = var.production
}

data "gigadb_preflight" "staging" {
  environment = "staging"
  production  = var.production
}

check "preflight" {
  assert {
    condition     = data.gigadb_preflight.staging.ok
    error_message = join("\n\n", data.gigadb_preflight.staging.findings[*].message)
  }
}

output "hot_standby" {
  description = "Infrastructure that is hot standby in staging."
  value       = gigadb_role_assignment.staging.hot_standby
}
