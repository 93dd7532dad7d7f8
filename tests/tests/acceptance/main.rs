//! What was promised, seen as a user sees it: the shipped programs, real Terraform, real Ansible, and
//! simulated APIs. One file for each subject; every test has a [`gigadb_tests::Scene`] of its own.
//!
//! Tests that need Terraform are below `with_terraform`, so that a run without it can leave them out.

#![expect(
    clippy::unwrap_used,
    reason = "helpers of tests: whatever is missing fails the test that asked"
)]

mod inventory;
mod with_terraform;
