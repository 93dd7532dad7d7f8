//! The JSON Schema of the topology file, as it is published for editors.

mod docs {
    use std::{env, fs, path::Path};

    const UPDATE: &str = "GIGADB_UPDATE_DOCS";

    #[test]
    fn the_reference_is_fresh() {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/topology.schema.json");
        let schema = gigadb_engine::topology::schema();
        let rendered = format!("{schema:#}\n");
        if env::var_os(UPDATE).is_some() {
            fs::write(&file, &rendered).unwrap();
        }
        let published = fs::read_to_string(&file).unwrap_or_default();
        assert!(
            published == rendered,
            "{} is not what the engine says; run `cargo xtask docs`",
            file.display()
        );
    }
}
