//! A tiny complete provider: notes, each a text file in one folder.
//!
//! Build it with `cargo build -p tfplug --example notes`, name it `terraform-provider-notes`,
//! and point Terraform's `dev_overrides` at its folder.

mod corner;
mod note;
mod provider;

fn main() -> std::process::ExitCode {
    tfplug::serve(std::sync::Arc::new(provider::Notes::new()))
}
