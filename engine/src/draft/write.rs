//! A draft as the files that people go on from.

use std::{
    collections::BTreeMap,
    fmt::{Display, Write as _},
};

use super::found::{Draft, Ground};
use crate::foreign::Foreign;

impl Draft {
    /// `topology.yaml`. Guesses are marked.
    pub fn topology(&self) -> String {
        let mut out = "# A first topology, from what is there. Read it, and correct what is only guessed:\n# each guess is marked. `gigadb-roles check` tells what does not fit.\n".to_owned();
        for line in &self.unread {
            push(&mut out, format_args!("# Not read: {}", Foreign(line)));
        }
        for line in &self.missing {
            push(&mut out, format_args!("# To do: {}", Foreign(line)));
        }
        let ground = if self.has_no_endpoints {
            "to do"
        } else {
            "guessed: the words in which the names of Elastic IPs differ"
        };
        push(
            &mut out,
            format_args!("version: 1\n\nendpoints: # {ground}"),
        );
        for (name, (eip, instance)) in &self.endpoints {
            push(&mut out, format_args!("  {}:", scalar(name)));
            push(&mut out, format_args!("    eip: {}", quoted(eip)));
            let (instance, ground) = match instance {
                Some(instance) => (instance, ""),
                None => (eip, " # to do: no instance with such an address was found"),
            };
            push(
                &mut out,
                format_args!("    instance: {}{ground}", quoted(instance)),
            );
            push(
                &mut out,
                format_args!(
                    "    # protocols: [ssh] # what it answers by, where that is not HTTPS"
                ),
            );
        }
        out.push_str("\ninfrastructures:\n");
        for side in &self.sides {
            push(&mut out, format_args!("  {}:", scalar(&side.name)));
            push(
                &mut out,
                format_args!(
                    "    gitlab_project: {} # {}",
                    scalar(&side.project),
                    match side.ground {
                        Ground::Variables => "guessed: its variables name hosts of this side",
                        Ground::Left => "guessed: the other project is that of another side",
                        Ground::None => "to do",
                    }
                ),
            );
            push(
                &mut out,
                format_args!(
                    "    aws: {{ profile: {}, region: {} }}",
                    scalar(&side.profile),
                    scalar(&side.region)
                ),
            );
        }
        out.push_str("\nenvironments:\n");
        for (name, environment) in &self.environments {
            push(&mut out, format_args!("  {}:", scalar(name)));
            push(
                &mut out,
                format_args!(
                    "    # data_sync: true # where the hot standby's data follows production's"
                ),
            );
            for (index, role) in ["production", "hot_standby"].into_iter().enumerate() {
                let guess = match (index, &environment.told_by) {
                    (0, Some(_)) => " # guessed: its side has the shortest name",
                    (0, None) => " # to do: which names are production's is not known",
                    _ => "",
                };
                push(&mut out, format_args!("    {role}:{guess}"));
                map(&mut out, "hostnames", &environment.hostnames[index]);
                map(&mut out, "variables", &environment.variables[index]);
                let empty = environment.hostnames[index].is_empty()
                    && environment.variables[index].is_empty();
                if empty {
                    push(&mut out, format_args!("      hostnames: {{}}"));
                }
            }
        }
        if let Some(side) = self.sides.first() {
            push(
                &mut out,
                format_args!(
                    "\n# Keeps two people from swapping at once: a GitLab Terraform state that nothing else uses.\n# lock: {{ gitlab_project: {}, name: \"gigadb-roles-{{environment}}\" }}",
                    scalar(&side.project)
                ),
            );
        }
        out
    }

    /// `main.tf`, with a state that GitLab keeps. `gitlab` is the base URL of its API.
    pub fn terraform(&self, gitlab: &str) -> String {
        let first = self.environments.values().next();
        let side = first.and_then(|one| self.sides.get(one.production));
        let project = side
            .map_or("", |side| side.project.as_str())
            .replace('/', "%2F");
        let state = format!("{gitlab}/projects/{project}/terraform/state/gigadb-roles");
        let mut out = format!(
            "# Terraform reads the user and the token for this state from TF_HTTP_USERNAME and TF_HTTP_PASSWORD.\n\
             terraform {{\n  required_providers {{\n    gigadb = {{\n      source = \"gigascience/gigadb\"\n    }}\n  }}\n\n  \
             backend \"http\" {{\n    address        = {address}\n    lock_address   = {lock}\n    unlock_address = {lock}\n    \
             lock_method    = \"POST\"\n    unlock_method  = \"DELETE\"\n    retry_wait_min = 5\n  }}\n}}\n\n\
             provider \"gigadb\" {{\n  topology_file = \"${{path.module}}/topology.yaml\"\n}}\n",
            address = quoted(&state),
            lock = quoted(&format!("{state}/lock")),
        );
        for (name, environment) in &self.environments {
            let production = self.sides.get(environment.production);
            let production = production.map_or("", |side| side.name.as_str());
            let ground = match &environment.told_by {
                Some(hostname) => format!("guessed: {hostname} leads there now"),
                None => "to do: which side is production is not known".to_owned(),
            };
            push(
                &mut out,
                format_args!(
                    "\nresource \"gigadb_role_assignment\" {} {{\n  environment = {}\n  production  = {} # {ground}\n}}",
                    quoted(&label(name)),
                    quoted(name),
                    quoted(production)
                ),
            );
        }
        out
    }
}

fn push(out: &mut String, line: std::fmt::Arguments<'_>) {
    // Writing to a string cannot fail.
    let _ = writeln!(out, "{line}");
}

fn map<K: Display, V: AsRef<str>>(out: &mut String, key: &str, map: &BTreeMap<K, V>) {
    if map.is_empty() {
        return;
    }
    push(out, format_args!("      {key}:"));
    for (key, value) in map {
        let key = scalar(&key.to_string());
        push(
            out,
            format_args!("        {key}: {}", scalar(value.as_ref())),
        );
    }
}

/// A text as YAML writes it: plain where every reader takes it for a text.
fn scalar(text: &str) -> String {
    let letters = text.starts_with(|c: char| c.is_ascii_alphabetic());
    let plain = text
        .bytes()
        .all(|b| b.is_ascii_alphanumeric() || b"-_./:%".contains(&b));
    let word = text.to_ascii_lowercase();
    let other = ["true", "false", "yes", "no", "on", "off", "null", "y", "n"];
    if letters && plain && !text.ends_with(':') && !other.contains(&word.as_str()) {
        text.to_owned()
    } else {
        quoted(text)
    }
}

/// A text in double quotes, as JSON, YAML and Terraform read it alike.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// A name as Terraform labels a resource.
fn label(name: &str) -> String {
    let mut label: String = name
        .chars()
        .map(|c| {
            if c.is_ascii_alphanumeric() || c == '-' {
                c
            } else {
                '_'
            }
        })
        .collect();
    if !label.starts_with(|c: char| c.is_ascii_alphabetic()) {
        label.insert(0, '_');
    }
    label
}
