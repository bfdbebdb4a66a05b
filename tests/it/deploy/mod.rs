//! The files of deploy/ and docker-compose.yml are what they say: manifests of Kubernetes's own types, commands and variables that the
//! binary has, images by full versions, nothing secret in git.

mod compose;
mod kubernetes;
mod systemd;

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use commissary_tests::commissary;

fn of_repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path)
}

fn text(path: &str) -> String {
    fs::read_to_string(of_repository(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// A command line with its environment is one that the binary takes: the command and its flags are in its help, and so are the
/// variables. A secret's may be given by its file.
fn takes(command: &[String], variables: &BTreeSet<String>) {
    let output = commissary().arg(&command[0]).arg("--help").output().unwrap();
    assert!(output.status.success(), "commissary {} --help", command[0]);
    let help = String::from_utf8(output.stdout).unwrap();
    // It breaks lines anywhere.
    let help = help.split_whitespace().collect::<Vec<_>>().join(" ");
    for flag in command.iter().filter(|word| word.starts_with("--")) {
        assert!(
            help.contains(flag.as_str()),
            "commissary {} has no {flag}",
            command[0]
        );
    }
    for variable in variables {
        let is_known = help.contains(&format!("env: {variable}"))
            || variable
                .strip_suffix("_FILE")
                .is_some_and(|secret| help.contains(&format!("env: {secret}]")));
        assert!(is_known, "commissary {} does not know {variable}", command[0]);
    }
}

/// A tag that names one version: three numbers for ours and RabbitMQ's and Rust's, two for PostgreSQL's and Debian's.
fn is_full_version(image: &str) -> bool {
    let image = image.split('@').next().unwrap();
    let Some((name, tag)) = image.rsplit_once(':') else {
        return false;
    };
    let version = tag.split('-').next().unwrap();
    let numbers: Vec<_> = version.split('.').collect();
    let wanted = if name.ends_with("postgres") || name.ends_with("debian") {
        2
    } else {
        3
    };
    numbers.len() == wanted && numbers.iter().all(|number| number.parse::<u32>().is_ok())
}

#[test]
fn images_name_versions_in_full() {
    let dockerfile = text("Dockerfile");
    let from: Vec<_> = dockerfile
        .lines()
        .filter_map(|line| line.strip_prefix("FROM "))
        .collect();
    assert_eq!(from.len(), 2);
    for image in from {
        assert!(is_full_version(image.split(' ').next().unwrap()), "{image}");
    }
    for (image, want) in [
        ("postgres:17", false),
        ("rabbitmq:4.2", false),
        ("commissary:latest", false),
        ("x", false),
    ] {
        assert_eq!(is_full_version(image), want, "{image}");
    }
}

#[test]
fn passwords_stay_out_of_git() {
    let ignored = text(".gitignore");
    assert!(ignored.lines().any(|line| line == ".env"), "{ignored}");
    for file in [".env", ".env.production"] {
        let status = Command::new("git")
            .args(["check-ignore", "--quiet", file])
            .current_dir(of_repository(""))
            .status();
        // Without git, as in an archive of the sources, the line above is all there is to look at.
        assert!(
            status.is_err() || status.is_ok_and(|status| status.code() != Some(1)),
            "git takes {file}"
        );
    }
}

#[test]
fn pins_are_what_the_registry_says() {
    let directory = tempfile::tempdir().unwrap();
    let at = |name: &str| directory.path().join(name);
    for file in ["docker-compose.yml", "Dockerfile"] {
        fs::copy(of_repository(file), at(file)).unwrap();
    }
    let (bin, digest) = (at("bin"), format!("sha256:{}", "7".repeat(64)));
    fs::create_dir(&bin).unwrap();
    fs::write(bin.join("docker"), format!("#!/bin/sh\necho {digest}\n")).unwrap();
    fs::set_permissions(
        bin.join("docker"),
        std::os::unix::fs::PermissionsExt::from_mode(0o755),
    )
    .unwrap();
    let pin = |arguments: &[&str]| {
        let mut command = Command::new(of_repository("scripts/pin-images"));
        command
            .args(arguments)
            .env("COMMISSARY_ROOT", directory.path())
            .env("PATH", format!("{}:/usr/bin:/bin", bin.display()));
        command.output().unwrap()
    };
    let unpinned = pin(&["--check"]);
    let said = String::from_utf8(unpinned.stderr).unwrap();
    assert!(
        unpinned.status.code() == Some(1) && said.contains("postgres:"),
        "{said}"
    );
    for _ in 0..2 {
        assert!(pin(&[]).status.success());
        let (compose, dockerfile) = (
            fs::read_to_string(at("docker-compose.yml")).unwrap(),
            fs::read_to_string(at("Dockerfile")).unwrap(),
        );
        assert_eq!(compose.matches(&digest).count(), 2, "{compose}");
        assert_eq!(dockerfile.matches(&digest).count(), 2, "{dockerfile}");
        assert!(dockerfile.contains(&format!("{digest} AS build")), "{dockerfile}");
    }
    assert!(pin(&["--check"]).status.success());
}

/// What a file of `name=value` lines says, several times or not.
fn pairs(lines: &str) -> BTreeMap<&str, Vec<&str>> {
    let mut pairs: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (name, value) in lines
        .lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| line.split_once('='))
    {
        pairs.entry(name).or_default().push(value);
    }
    pairs
}
