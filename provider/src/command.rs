//! Which command of Terraform started the provider.
//!
//! The protocol does not tell it: `plan` begins with the walk that is all of `validate`, in a
//! process of its own that is never configured, and every walk of `plan` and `apply` validates the
//! provider block once more before it configures. Only the command line differs.

/// Whether a command line, its arguments ended by NUL as `/proc` has them, is `terraform validate`
/// or `tofu validate`: the first argument that is no option names the command.
pub fn is_validate(command_line: &[u8]) -> bool {
    let mut arguments = command_line.split(|byte| *byte == 0).skip(1);
    arguments.find(|argument| !argument.starts_with(b"-")) == Some(b"validate")
}

#[cfg(test)]
mod tests {
    use super::is_validate;

    #[test]
    fn the_first_word_is_the_command() {
        for validates in [
            "terraform validate",
            "/opt/bin/tofu validate -json",
            "terraform -chdir=plan validate -no-color",
        ] {
            assert!(
                is_validate(validates.replace(' ', "\0").as_bytes()),
                "{validates}"
            );
        }
        for other in [
            "",
            "validate",
            "terraform",
            "terraform plan",
            "terraform apply validate",
            "terraform -chdir=validate plan -out validate",
        ] {
            assert!(!is_validate(other.replace(' ', "\0").as_bytes()), "{other}");
        }
    }
}
