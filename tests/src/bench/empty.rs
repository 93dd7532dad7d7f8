//! An empty provider built on tfplug, which this program is itself where Terraform starts it: what
//! any such provider adds to a plan.

use std::{env, fs, os::unix::fs::symlink, process::ExitCode, sync::Arc};

use gigadb_tests::Scene;

#[path = "../../../tfplug/examples/hello.rs"]
#[expect(dead_code, reason = "the example's own `main`")]
mod hello;

const CONFIGURATION: &str = r#"terraform {
  required_providers {
    hello = { source = "example/hello" }
  }
}

resource "hello_greeting" "floor" {
  name = "x"
}
"#;

/// Serves the provider, where Terraform started this program as one.
pub(crate) fn serve_if_asked() -> Option<ExitCode> {
    env::var_os("TF_PLUGIN_MAGIC_COOKIE")?;
    Some(tfplug::serve(Arc::new(hello::Hello)))
}

/// A scene in which one resource of the empty provider is as its configuration says.
pub(crate) fn scene() -> Scene {
    let mut scene = Scene::new();
    let folder = scene.folder().join("empty");
    let settings = folder.join("terraform.rc");
    let overrides = ["registry.terraform.io", "registry.opentofu.org"]
        .map(|host| format!("    \"{host}/example/hello\" = \"{}\"\n", folder.display()));
    let text = format!(
        "provider_installation {{\n  dev_overrides {{\n{}  }}\n  direct {{}}\n}}\n",
        overrides.concat()
    );
    let made = fs::create_dir(&folder)
        .and_then(|()| symlink(env::current_exe()?, folder.join("terraform-provider-hello")))
        .and_then(|()| fs::write(&settings, text));
    made.unwrap_or_else(|error| panic!("cannot write {}: {error}", folder.display()));
    scene.set("TF_CLI_CONFIG_FILE", &settings.display().to_string());
    scene.write("main.tf", CONFIGURATION);
    let _ = scene.apply().expect(0);
    scene
}
