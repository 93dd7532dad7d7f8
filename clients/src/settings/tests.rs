//! Settings from the provider block and the environment.

use super::*;

fn resolve(explicit: Explicit, env: &[(&str, &str)]) -> Result<Settings, String> {
    let env = |name: &str| {
        env.iter()
            .find(|(n, _)| *n == name)
            .map(|(_, v)| (*v).to_owned())
    };
    Settings::resolve(explicit, &env).map_err(|e| e.to_string())
}

#[test]
fn defaults_are_the_public_apis_without_tokens() {
    let settings = resolve(Explicit::default(), &[]).unwrap();
    assert_eq!(settings.cloudflare.base_url.as_str(), CLOUDFLARE_BASE_URL);
    assert_eq!(settings.gitlab.base_url.as_str(), GITLAB_BASE_URL);
    assert_eq!(settings.cloudflare.token, None);
    assert_eq!(settings.aws, AwsSettings::default());
}

#[test]
fn explicit_beats_environment_and_empty_is_absent() {
    let explicit = Explicit {
        cloudflare_api_token: Some(Secret::new("explicit")),
        gitlab_token: Some(Secret::new("")),
        aws_shared_config_files: vec!["/a/config".into()],
        ..Explicit::default()
    };
    let env = [
        ("CLOUDFLARE_API_TOKEN", "environment"),
        ("GITLAB_TOKEN", " "),
        ("GITLAB_PRIVATE_TOKEN", "second\n"),
        ("AWS_CONFIG_FILE", "/b/config"),
        ("AWS_SHARED_CREDENTIALS_FILE", "/b/credentials"),
        ("AWS_ENDPOINT_URL", "http://127.0.0.1:1"),
        ("AWS_ENDPOINT_URL_EC2", "http://[::1]:2/"),
    ];
    let settings = resolve(explicit, &env).unwrap();
    let token = |s: &Service| s.token.as_ref().map(|t| t.expose().to_owned());
    assert_eq!(token(&settings.cloudflare).as_deref(), Some("explicit"));
    assert_eq!(token(&settings.gitlab).as_deref(), Some("second"));
    assert_eq!(
        settings.aws.shared_config_files,
        [PathBuf::from("/a/config")]
    );
    assert_eq!(
        settings.aws.shared_credentials_files,
        [PathBuf::from("/b/credentials")]
    );
    assert_eq!(
        settings.aws.endpoint_url.as_deref(),
        Some("http://[::1]:2/")
    );
}

#[test]
fn endpoints_of_the_environment_can_be_switched_off() {
    let env = [
        ("AWS_ENDPOINT_URL", "http://127.0.0.1:1"),
        ("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "true"),
    ];
    let endpoint = |explicit: &str| {
        let explicit = Explicit {
            aws_endpoint_url: Some(explicit.to_owned()),
            ..Explicit::default()
        };
        resolve(explicit, &env).unwrap().aws.endpoint_url
    };
    assert_eq!(endpoint(""), None);
    assert_eq!(
        endpoint("http://127.0.0.1:2").as_deref(),
        Some("http://127.0.0.1:2/")
    );
}

#[test]
fn a_proxy_that_cannot_be_used_is_refused_where_tls_is_needed() {
    let proxy = |env: &[(&str, &str)]| resolve(Explicit::default(), env).map(|s| s.proxy);
    let found = proxy(&[("HTTPS_PROXY", "u:planted@p:2"), ("NO_PROXY", "a.example")]);
    let found = found.unwrap().unwrap();
    assert_eq!(found.url.expose(), "http://u:planted@p:2");
    assert_eq!(found.bypass, "a.example");
    assert!(!format!("{found:?}").contains("planted"));
    let socks = ("HTTPS_PROXY", "socks5://u:planted@p:2");
    assert_eq!(
        proxy(&[socks]).unwrap_err(),
        "the proxy (from environment variable `HTTPS_PROXY`) names a SOCKS proxy, and only HTTP proxies can be used; write it as `http://HOST:PORT`"
    );
    let loopback = [
        socks,
        ("CLOUDFLARE_BASE_URL", "http://127.0.0.1:1"),
        ("GITLAB_BASE_URL", "http://127.0.0.1:1"),
        ("AWS_ENDPOINT_URL", "http://127.0.0.1:1"),
    ];
    assert_eq!(proxy(&loopback), Ok(None));
}

#[test]
fn a_tilde_is_the_home_folder() {
    let env = [
        ("HOME", "/home/ann"),
        ("AWS_CONFIG_FILE", "~/.aws/config"),
        ("AWS_SHARED_CREDENTIALS_FILE", "/~/credentials"),
        ("AWS_CA_BUNDLE", "~/ca.pem"),
    ];
    let settings = resolve(Explicit::default(), &env).unwrap();
    let is = |path: &str| vec![PathBuf::from(path)];
    assert_eq!(
        settings.aws.shared_config_files,
        is("/home/ann/.aws/config")
    );
    assert_eq!(settings.aws.shared_credentials_files, is("/~/credentials"));
    assert_eq!(settings.roots.aws_bundle, Some("/home/ann/ca.pem".into()));
    let explicit = Explicit {
        aws_shared_config_files: vec!["~/a".into(), "~bob/b".into()],
        ..Explicit::default()
    };
    let settings = resolve(explicit, &env).unwrap();
    let files: Vec<PathBuf> = vec!["/home/ann/a".into(), "~bob/b".into()];
    assert_eq!(settings.aws.shared_config_files, files);
}

#[test]
fn urls_that_would_show_a_token_are_refused() {
    let url = |text: &str| {
        resolve(Explicit::default(), &[("GITLAB_BASE_URL", text)])
            .map(|s| s.gitlab.base_url.to_string())
    };
    for (given, kept) in [
        ("http://127.0.0.1:80/api/v4/", "http://127.0.0.1/api/v4"),
        ("http://127.9.9.9:8080/x", "http://127.9.9.9:8080/x"),
        ("http://[::1]:9/x", "http://[::1]:9/x"),
        ("http://localhost:9/x", "http://localhost:9/x"),
        (
            "https://git.example.org/api/v4",
            "https://git.example.org/api/v4",
        ),
    ] {
        assert_eq!(url(given).as_deref(), Ok(kept), "{given}");
    }
    for given in [
        "http://gitlab.example.org/api/v4",
        "http://localhost.example.org/",
        "http://127.0.0.1.example.org/",
        "http://0.0.0.0/",
        "ftp://127.0.0.1/",
        "https://user:planted@example.org/",
        "https://example.org/?token=planted",
        "example.org",
    ] {
        let error = url(given).unwrap_err();
        assert!(
            error.starts_with("the GitLab base URL (from environment variable `GITLAB_BASE_URL`) "),
            "{given}: {error}"
        );
        assert!(!error.contains("planted"), "{error}");
    }
    let explicit = Explicit {
        aws_endpoint_url: Some("http://10.0.0.1/".to_owned()),
        ..Explicit::default()
    };
    let error = resolve(explicit, &[]).unwrap_err();
    assert!(
        error.starts_with("the AWS endpoint URL (from `aws.endpoint_url`) is plain http"),
        "{error}"
    );
}

#[test]
fn a_pasted_line_break_in_a_token_is_named_without_the_token() {
    let error = resolve(
        Explicit::default(),
        &[("CLOUDFLARE_API_TOKEN", "planted\ntoken")],
    )
    .unwrap_err();
    assert!(error.contains("`CLOUDFLARE_API_TOKEN`"), "{error}");
    assert!(!error.contains("planted"), "{error}");
}

#[test]
fn how_long_a_write_stays_open_is_a_number_of_seconds() {
    let open_for = |text: &str| {
        let settings = resolve(Explicit::default(), &[("GIGADB_OPEN_FOR", text)]);
        settings.map(|settings| settings.timing.open_for.as_secs())
    };
    assert_eq!(open_for(""), Ok(120));
    assert_eq!(open_for(" 30 "), Ok(30));
    assert_eq!(open_for("86400"), Ok(86400));
    for wrong in [
        "29",
        "0",
        "-1",
        "86401",
        "2m",
        "1e3",
        "99999999999999999999",
    ] {
        let error = open_for(wrong).unwrap_err();
        assert_eq!(
            error,
            "the time for which a write without an answer stays open (from environment \
             variable `GIGADB_OPEN_FOR`) is not a number of seconds from 30 to 86400; write \
             it as `120`"
        );
    }
}
