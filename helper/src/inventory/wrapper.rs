//! A small script for an inventory directory, which runs this program.
//!
//! Ansible hands a file that fails as a program to its other readers, and these take seconds and
//! gigabytes over a binary. Over two lines of shell they fail at once.

use crate::quoting;

/// The script: it runs `program` with everything that Ansible passes, and with `topology`.
pub(crate) fn script(program: &str, topology: Option<&str>) -> String {
    let topology = topology
        .map(|file| format!(" --topology {}", quoting::word(file)))
        .unwrap_or_default();
    format!(
        "#!/bin/sh\nexec {}{topology} \"$@\"\n",
        quoting::word(program)
    )
}

/// Whether `text` is such a script.
pub(crate) fn is_ours(text: &[u8]) -> bool {
    let text = String::from_utf8_lossy(text);
    let lines: Vec<&str> = text.lines().collect();
    matches!(lines.as_slice(), ["#!/bin/sh", run]
        if run.starts_with("exec ") && run.contains("gigadb-roles") && run.ends_with(" \"$@\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrapper_is_two_lines_that_are_known_again() {
        let plain = script("/usr/local/bin/gigadb-roles", None);
        assert_eq!(
            plain,
            "#!/bin/sh\nexec /usr/local/bin/gigadb-roles \"$@\"\n"
        );
        let odd = script("/opt/o'n/gigadb-roles", Some("/a b/topology.yaml"));
        assert_eq!(
            odd,
            "#!/bin/sh\nexec '/opt/o'\\''n/gigadb-roles' --topology '/a b/topology.yaml' \"$@\"\n"
        );
        assert!(is_ours(plain.as_bytes()) && is_ours(odd.as_bytes()));
        assert!(!is_ours(
            b"#!/bin/sh\nterraform-inventory \"$@\" ./ | jq .\n"
        ));
    }
}
