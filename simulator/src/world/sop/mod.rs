//! The world of GigaDB's own procedure for deploying to production: two projects, two regions, two
//! zones, with `gigadb-website` as production.
//!
//! Addresses are of the ranges kept for documentation. The names of the procedure's DNS table are kept

mod aws;
mod dns;
mod gitlab;
mod release;

use super::World;

/// Cloudflare token that may read and write both zones.
pub const CLOUDFLARE_TOKEN: &str = "cfut_PLANTED_write_0a1b2c3d4e5f60718293a4b5";
/// Cloudflare token without DNS Write.
pub const CLOUDFLARE_READ_TOKEN: &str = "cfut_PLANTED_read_0a1b2c3d4e5f60718293a4b5";
/// Cloudflare token that sees `gigadb.org` only.
pub const CLOUDFLARE_ONE_ZONE_TOKEN: &str = "cfut_PLANTED_onezone_0a1b2c3d4e5f60718293";
/// Cloudflare token whose address filter refuses loopback.
pub const CLOUDFLARE_IP_BLOCKED_TOKEN: &str = "cfut_PLANTED_ipblocked_0a1b2c3d4e5f607182";
/// Cloudflare token that was switched off.
pub const CLOUDFLARE_REVOKED_TOKEN: &str = "cfut_PLANTED_revoked_0a1b2c3d4e5f60718293";
/// Cloudflare token owned by the account; may read and write both zones.
pub const CLOUDFLARE_ACCOUNT_TOKEN: &str = "cfat_PLANTED_account_0a1b2c3d4e5f60718293";
/// GitLab token of a maintainer of both projects.
pub const GITLAB_TOKEN: &str = "glpat-PLANTED-maintainer-0a1b2c3d4e";
/// GitLab token of a developer of both projects.
pub const GITLAB_DEVELOPER_TOKEN: &str = "glpat-PLANTED-developer-0a1b2c3d4e";
/// GitLab token of a maintainer, scope `read_api`.
pub const GITLAB_READ_TOKEN: &str = "glpat-PLANTED-readonly-0a1b2c3d4e";
/// GitLab token past its end of life.
pub const GITLAB_EXPIRED_TOKEN: &str = "glpat-PLANTED-expired-0a1b2c3d4e";
/// Access key of profile `Upstream`.
pub const ACCESS_KEY_ID_UPSTREAM: &str = "AKIAPLANTEDUPSTREAM1";
/// Secret key of profile `Upstream`.
pub const SECRET_KEY_UPSTREAM: &str = "PLANTED/upstream/secret/0a1b2c3d4e5f6071";
/// Access key of profile `UpstreamAlt`.
pub const ACCESS_KEY_ID_ALT: &str = "AKIAPLANTEDALTSTREAM";
/// Secret key of profile `UpstreamAlt`.
pub const SECRET_KEY_ALT: &str = "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";
/// Value of every unrelated secret variable and Terraform output: no client has business showing it.
pub const SECRET_VARIABLE_VALUE: &str = "PLANTED-unrelated-secret-0a1b2c3d4e";

/// Every secret of this world, and the ids of its access keys: none may appear in any output, log, plan or state.
pub const PLANTED: [&str; 15] = [
    CLOUDFLARE_TOKEN,
    CLOUDFLARE_READ_TOKEN,
    CLOUDFLARE_ONE_ZONE_TOKEN,
    CLOUDFLARE_IP_BLOCKED_TOKEN,
    CLOUDFLARE_REVOKED_TOKEN,
    CLOUDFLARE_ACCOUNT_TOKEN,
    GITLAB_TOKEN,
    GITLAB_DEVELOPER_TOKEN,
    GITLAB_READ_TOKEN,
    GITLAB_EXPIRED_TOKEN,
    ACCESS_KEY_ID_UPSTREAM,
    SECRET_KEY_UPSTREAM,
    ACCESS_KEY_ID_ALT,
    SECRET_KEY_ALT,
    SECRET_VARIABLE_VALUE,
];

/// Path of the project that starts as production.
pub const PROJECT: &str = "gigascience/upstream/gigadb-website";
/// Numeric id of [`PROJECT`].
pub const PROJECT_ID: u64 = 4_101;
/// Path of the project that starts as hot standby.
pub const ALT_PROJECT: &str = "gigascience/upstream/alt-gigadb-website";
/// Numeric id of [`ALT_PROJECT`].
pub const ALT_PROJECT_ID: u64 = 4_102;
/// AWS account of both access keys.
pub const ACCOUNT_ID: &str = "111122223333";
/// AWS profile of `gigadb-website`.
pub const PROFILE_UPSTREAM: &str = "Upstream";
/// AWS profile of `alt-gigadb-website`.
pub const PROFILE_ALT: &str = "UpstreamAlt";
/// Region of `gigadb-website`, one that accounts must opt in to.
pub const REGION_UPSTREAM: &str = "ap-east-1";
/// Region of `alt-gigadb-website`.
pub const REGION_ALT: &str = "ap-southeast-2";

/// Returns the Elastic IP of an endpoint (`web`, `bastion`, `files`) in an environment (`live`,
/// `staging`) on the side of a region.
///
/// # Panics
///
/// When one of the three names is none of this world.
pub fn sop_address(region: &str, environment: &str, endpoint: &str) -> String {
    let network = match region {
        REGION_UPSTREAM => "198.51.100",
        REGION_ALT => "203.0.113",
        other => panic!("no region {other} in this world"),
    };
    let ten = match environment {
        "live" => 10,
        "staging" => 20,
        other => panic!("no environment {other} in this world"),
    };
    let one = match endpoint {
        "web" => 0,
        "bastion" => 1,
        "files" => 2,
        other => panic!("no endpoint {other} in this world"),
    };
    format!("{network}.{}", ten + one)
}

impl World {
    /// Returns the world of the procedure, with `gigadb-website` as production in both environments.
    pub fn sop() -> Self {
        Self {
            cloudflare: dns::cloudflare(),
            gitlab: gitlab::gitlab(),
            aws: aws::aws(),
        }
    }
}
