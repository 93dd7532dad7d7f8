//! The JSON Schema of the topology file, for editors.
//!
//! It says what a schema can: keys, kinds and spellings. What takes looking at two places at once
//! (references, repetitions, owners) only [`Topology::parse`](super::Topology::parse) finds.

use serde_json::{Value, json};

use super::WarningName;

/// The JSON Schema (draft 2020-12) of the topology file.
pub fn schema() -> Value {
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Topology of gigadb-roles",
        "description": "Which infrastructures there are, what each role is called in each environment, and how every machine is found.",
        "type": "object",
        "additionalProperties": false,
        "required": ["version", "endpoints", "infrastructures", "environments"],
        "properties": {
            "version": { "const": 1, "description": "The version of this format." },
            "endpoints": {
                "description": "The kinds of machine, and how each is found in EC2.",
                "type": "object",
                "minProperties": 1,
                "propertyNames": { "$ref": "#/$defs/name" },
                "additionalProperties": { "$ref": "#/$defs/endpoint" }
            },
            "infrastructures": {
                "description": "The independent infrastructures that trade roles: two or more.",
                "type": "object",
                "minProperties": 2,
                "propertyNames": { "$ref": "#/$defs/name" },
                "additionalProperties": { "$ref": "#/$defs/infrastructure" }
            },
            "environments": {
                "description": "What each role is called. The key is also the GitLab environment scope, literally.",
                "type": "object",
                "minProperties": 1,
                "propertyNames": { "$ref": "#/$defs/name" },
                "additionalProperties": { "$ref": "#/$defs/environment" }
            },
            "lock": {
                "description": "The GitLab Terraform state that keeps two operators from swapping at once.",
                "type": "object",
                "additionalProperties": false,
                "required": ["gitlab_project", "name"],
                "properties": {
                    "gitlab_project": { "$ref": "#/$defs/gitlab_project" },
                    "name": { "$ref": "#/$defs/template_without_owner" }
                }
            },
            "certificate_variable": {
                "description": "The GitLab variable that holds each side's certificate chain.",
                "$ref": "#/$defs/variable_key"
            },
            "policy": { "$ref": "#/$defs/policy" },
            "variables": {
                "description": "What is known of variables, by key.",
                "type": "object",
                "propertyNames": { "$ref": "#/$defs/variable_key" },
                "additionalProperties": {
                    "type": "object",
                    "additionalProperties": false,
                    "required": ["takes_effect"],
                    "properties": {
                        "takes_effect": {
                            "description": "When a new value takes effect: when images are built, or when a playbook runs. Default: build.",
                            "enum": ["build", "playbook"]
                        }
                    }
                }
            },
            "resolvers": {
                "description": "Resolvers that `watch` asks beside the zones' own servers: addresses, with or without a port.",
                "type": "array",
                "uniqueItems": true,
                "items": { "$ref": "#/$defs/text" }
            },
            "notify": {
                "description": "Webhooks that are told of runs and release steps.",
                "type": "array",
                "items": { "$ref": "#/$defs/notify" }
            },
            "accept": {
                "description": "Warnings of the linter that are meant. An entry silences one warning at one place.",
                "type": "array",
                "items": { "$ref": "#/$defs/acceptance" }
            }
        },
        "$defs": definitions()
    })
}

fn definitions() -> Value {
    json!({
        "name": { "type": "string", "pattern": "^[A-Za-z0-9][A-Za-z0-9_-]*$" },
        "variable_key": { "type": "string", "pattern": "^[A-Za-z0-9_]{1,255}$" },
        "text": {
            "description": "One line, neither empty nor with a space at either end.",
            "type": "string",
            "pattern": "^[^\\s\\u0000-\\u001f\\u007f-\\u009f]([^\\u0000-\\u001f\\u007f-\\u009f]*[^\\s\\u0000-\\u001f\\u007f-\\u009f])?$"
        },
        "line": {
            "description": "One line.",
            "type": "string",
            "pattern": "^[^\\u0000-\\u001f\\u007f-\\u009f]*$"
        },
        "template": {
            "description": "A name in which {environment} and {owner} are replaced.",
            "allOf": [
                { "$ref": "#/$defs/text" },
                { "pattern": "^([^{}]|\\{environment\\}|\\{owner\\})*$" }
            ]
        },
        "template_without_owner": {
            "description": "A name in which {environment} is replaced.",
            "allOf": [
                { "$ref": "#/$defs/text" },
                { "pattern": "^([^{}]|\\{environment\\})*$" }
            ]
        },
        "login": { "type": "string", "pattern": "^[^\\s@:/-][^\\s@:/]*$" },
        "gitlab_project": {
            "description": "Path or numeric id of a GitLab project, used as written.",
            "oneOf": [
                { "type": "integer", "minimum": 1 },
                { "type": "string", "pattern": "^([1-9][0-9]*|[A-Za-z0-9_][A-Za-z0-9_.-]*(/[A-Za-z0-9_][A-Za-z0-9_.-]*)+)$" }
            ]
        },
        "endpoint": {
            "type": "object",
            "additionalProperties": false,
            "required": ["eip", "instance"],
            "properties": {
                "eip": {
                    "description": "The Name tag of the Elastic IP; {environment} and {owner} are replaced.",
                    "$ref": "#/$defs/template"
                },
                "instance": {
                    "description": "The Name tag of the instance; {environment} and {owner} are replaced.",
                    "$ref": "#/$defs/template"
                },
                "https": {
                    "description": "Whether it answers HTTPS for its hostnames. By default only the apex's endpoint does.",
                    "type": "boolean"
                },
                "protocols": {
                    "description": "What it answers by: what `verify` asks for, at a port behind a colon where it is not the usual one, and whether its names may be proxied. Default: [https] for the apex's endpoint, else none.",
                    "type": "array",
                    "uniqueItems": true,
                    "items": { "$ref": "#/$defs/protocol" }
                },
                "reach": {
                    "description": "How Ansible gets to its machines. Default: public for an endpoint named bastion and where no endpoint is, else via bastion.",
                    "oneOf": [
                        { "const": "public" },
                        {
                            "type": "object",
                            "additionalProperties": false,
                            "required": ["via"],
                            "properties": { "via": { "$ref": "#/$defs/name" } }
                        }
                    ]
                }
            }
        },
        "protocol": {
            "type": "string",
            "pattern": "^(https|ssh|ftp|(https|ssh|ftp|tcp):[1-9][0-9]{0,4})$"
        },
        "notify": {
            "type": "object",
            "additionalProperties": false,
            "required": ["url_variable"],
            "properties": {
                "url_variable": {
                    "description": "The environment variable that holds the webhook's URL, which is a secret.",
                    "type": "string",
                    "pattern": "^[A-Za-z_][A-Za-z0-9_]*$"
                },
                "format": {
                    "description": "What the webhook understands. Default: json.",
                    "enum": ["slack", "json"]
                },
                "events": {
                    "description": "What it is told of. Default: everything.",
                    "type": "array",
                    "minItems": 1,
                    "items": { "enum": ["swap", "failover", "revert", "release"] }
                }
            }
        },
        "acceptance": {
            "type": "object",
            "additionalProperties": false,
            "required": ["warning", "at"],
            "properties": {
                "warning": {
                    "description": "The name of the warning, as `check` tells it.",
                    "enum": WarningName::ACCEPTABLE.map(WarningName::as_str)
                },
                "at": {
                    "description": "The place of the warning, as `check` tells it, such as live/HOME_URL.",
                    "$ref": "#/$defs/text"
                },
                "reason": {
                    "description": "Why it is meant, for the next reader.",
                    "$ref": "#/$defs/text"
                }
            }
        },
        "overrides": {
            "type": "object",
            "propertyNames": { "$ref": "#/$defs/name" },
            "additionalProperties": { "$ref": "#/$defs/template" }
        },
        "infrastructure": infrastructure(),
        "environment": {
            "type": "object",
            "additionalProperties": false,
            "required": ["production", "hot_standby"],
            "properties": {
                "data_sync": {
                    "description": "Whether data is synchronised from production to the hot standby. Default: false.",
                    "type": "boolean"
                },
                "production": {
                    "$ref": "#/$defs/role",
                    "required": ["hostnames"],
                    "properties": { "hostnames": { "minProperties": 1 } }
                },
                "hot_standby": { "$ref": "#/$defs/role" }
            }
        },
        "role": {
            "type": "object",
            "additionalProperties": false,
            "properties": {
                "hostnames": {
                    "description": "The endpoint that each hostname leads to.",
                    "type": "object",
                    "propertyNames": { "type": "string", "pattern": "^[^\\s/:@*]+\\.[^\\s/:@*]+$" },
                    "additionalProperties": { "$ref": "#/$defs/name" }
                },
                "variables": {
                    "description": "The value of each GitLab CI/CD variable. Both roles have the same keys.",
                    "type": "object",
                    "propertyNames": { "$ref": "#/$defs/variable_key" },
                    "additionalProperties": { "$ref": "#/$defs/line" }
                }
            }
        },
        "policy": {
            "description": "What may be created, and how.",
            "type": "object",
            "additionalProperties": false,
            "properties": {
                "missing_records": {
                    "description": "A hostname without a record. Default: error.",
                    "enum": ["error", "create"]
                },
                "missing_variables": {
                    "description": "A variable without a row in the environment's scope. Default: error.",
                    "enum": ["error", "create"]
                },
                "record_ttl": {
                    "description": "The TTL of records that are created, in seconds. Default: auto.",
                    "oneOf": [{ "const": "auto" }, { "type": "integer", "minimum": 60, "maximum": 86400 }]
                },
                "proxied": {
                    "description": "Whether records that are created are proxied. Default: false.",
                    "type": "boolean"
                }
            }
        }
    })
}

fn infrastructure() -> Value {
    json!({
        "type": "object",
        "additionalProperties": false,
        "required": ["gitlab_project", "aws"],
        "properties": {
            "checkout": {
                "description": "The name of the operators' local checkout.",
                "$ref": "#/$defs/text"
            },
            "gitlab_project": { "$ref": "#/$defs/gitlab_project" },
            "aws": {
                "type": "object",
                "additionalProperties": false,
                "required": ["profile", "region"],
                "properties": {
                    "profile": {
                        "description": "The named AWS profile with this side's own keys.",
                        "$ref": "#/$defs/text"
                    },
                    "region": {
                        "description": "The AWS region, such as ap-east-1.",
                        "type": "string",
                        "pattern": "^[a-z0-9]+(-[a-z0-9]+)*$",
                        "not": { "pattern": "^[a-z]+-[a-z-]+-[0-9]+[a-z]$" }
                    }
                }
            },
            "owner": { "description": "Fills {owner}.", "$ref": "#/$defs/text" },
            "eips": {
                "description": "Elastic IP names that differ from the endpoints' own, by endpoint.",
                "$ref": "#/$defs/overrides"
            },
            "instances": {
                "description": "Instance names that differ from the endpoints' own, by endpoint.",
                "$ref": "#/$defs/overrides"
            },
            "ssh": {
                "description": "How this side's machines are reached.",
                "type": "object",
                "additionalProperties": false,
                "required": ["user"],
                "properties": {
                    "user": { "$ref": "#/$defs/login" },
                    "private_key": {
                        "description": "Path of the private key; ~ is the home folder.",
                        "$ref": "#/$defs/text"
                    },
                    "bastion_user": {
                        "description": "The login on the bastion. Default: user.",
                        "$ref": "#/$defs/login"
                    }
                }
            },
            "terraform_state": {
                "description": "This side's Terraform outputs, in GitLab.",
                "type": "object",
                "additionalProperties": false,
                "required": ["name"],
                "properties": { "name": { "$ref": "#/$defs/template" } }
            }
        }
    })
}
