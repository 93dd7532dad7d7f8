//! What needs Terraform or OpenTofu.

mod guide;
