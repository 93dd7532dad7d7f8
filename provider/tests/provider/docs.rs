//! The reference in `docs/` is what schemas, templates and examples say.
//!
//! `GIGADB_UPDATE_DOCS=1` writes it instead of comparing.

use std::path::Path;

use terraform_provider_gigadb::docs::render;

#[test]
fn the_reference_is_fresh() {
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs");
    let update = std::env::var_os("GIGADB_UPDATE_DOCS").is_some();
    for (path, text) in render() {
        let file = docs.join(&path);
        assert!(
            !text.contains("{{"),
            "{}: a placeholder is left",
            path.display()
        );
        if update {
            std::fs::create_dir_all(file.parent().unwrap()).unwrap();
            std::fs::write(&file, &text).unwrap();
        }
        let present = std::fs::read_to_string(&file).unwrap_or_default();
        assert_eq!(
            present,
            text,
            "docs/{} is stale: GIGADB_UPDATE_DOCS=1 cargo test -p terraform-provider-gigadb --test provider docs",
            path.display()
        );
    }
}
