//! The provider's program; Terraform starts it.

use std::{process::ExitCode, sync::Arc};

use terraform_provider_gigadb::Gigadb;

fn main() -> ExitCode {
    tfplug::serve(Arc::new(Gigadb::new(Arc::new(|name| {
        std::env::var(name).ok()
    }))))
}
