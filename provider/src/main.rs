//! The provider's program; Terraform starts it.

use std::{os::unix::process::parent_id, process::ExitCode, sync::Arc};

use terraform_provider_gigadb::{Environment, Gigadb, is_validate};

fn main() -> ExitCode {
    let environment: Environment = Arc::new(|name| std::env::var(name).ok());
    // Without `/proc` it is not known who asks, and the linter is silent.
    let asked_by = std::fs::read(format!("/proc/{}/cmdline", parent_id())).unwrap_or_default();
    let provider = if is_validate(&asked_by) {
        Gigadb::linting(environment)
    } else {
        Gigadb::new(environment)
    };
    tfplug::serve(Arc::new(provider))
}
