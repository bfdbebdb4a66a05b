//! Secrets by files: as orchestrators mount them.

use commissary_tests::{commissary, required};

struct Said {
    is_well: bool,
    text: String,
}

/// What `commissary doctor` says with these variables.
fn doctor(variables: &[(&str, &str)]) -> Said {
    let mut command = commissary();
    let output = command
        .args(["doctor"])
        .envs(variables.iter().copied())
        .output()
        .unwrap();
    let text = [output.stdout, output.stderr].concat();
    Said {
        is_well: output.status.success(),
        text: String::from_utf8(text).unwrap(),
    }
}

#[test]
fn a_secret_may_be_a_file_and_is_never_printed() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("database_url");
    let path = file.display().to_string();
    std::fs::write(&file, format!("{}\n", required("DATABASE_URL"))).unwrap();
    let reached = doctor(&[("DATABASE_URL_FILE", &path)]);
    assert!(reached.text.contains("database: PostgreSQL"), "{}", reached.text);

    std::fs::write(&file, "postgres://u:s3cret@127.0.0.1:1/x").unwrap();
    for variables in [
        vec![("DATABASE_URL_FILE", path.as_str())],
        vec![
            ("DATABASE_URL_FILE", &path),
            ("DATABASE_URL", "postgres://u:s3cret@127.0.0.1:1/x"),
        ],
    ] {
        let said = doctor(&variables);
        assert!(!said.is_well && !said.text.contains("s3cret"), "{}", said.text);
        let are_both_named = said
            .text
            .contains("DATABASE_URL and DATABASE_URL_FILE are both set");
        assert_eq!(are_both_named, variables.len() == 2, "{}", said.text);
    }
    let missing = doctor(&[("DATABASE_URL_FILE", "/nowhere/url")]);
    assert!(
        !missing.is_well && missing.text.contains("/nowhere/url"),
        "{}",
        missing.text
    );
    let help = commissary()
        .args(["--help"])
        .env("DATABASE_URL_FILE", "/nowhere/url")
        .output()
        .unwrap();
    assert!(
        String::from_utf8(help.stdout)
            .unwrap()
            .contains("DATABASE_URL_FILE=/run/secrets/database_url")
    );
}
