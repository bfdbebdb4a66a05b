//! What the macros of sqlx read besides the source, where the compiler does not see it: the migrations, which are embedded, and
//! the metadata by which SQL is checked.

use std::{env, path::Path};

fn main() {
    println!("cargo:rerun-if-changed=../migrations");
    println!("cargo:rerun-if-changed=../.sqlx");
    if env::var_os("CARGO_FEATURE_SQL_METADATA").is_some() {
        // scripts/sql-metadata: the environment names a database to ask, and each time another directory for the answers.
        println!("cargo:rerun-if-env-changed=SQLX_OFFLINE_DIR");
    } else {
        // A DATABASE_URL, which the tests need, is nothing that a build asks.
        let metadata = Path::new(env!("CARGO_MANIFEST_DIR")).join("../.sqlx");
        println!("cargo:rustc-env=SQLX_OFFLINE=true");
        println!("cargo:rustc-env=SQLX_OFFLINE_DIR={}", metadata.display());
    }
}
