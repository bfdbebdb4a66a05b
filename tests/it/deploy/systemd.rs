//! The units: their commands and variables are the binary's, and they have the time to end that it takes.

use std::{collections::BTreeSet, fs};

use super::{of_repository, pairs, takes, text};

#[test]
fn units_start_what_there_is_and_wait_for_its_end() {
    let mut started = BTreeSet::new();
    for entry in fs::read_dir(of_repository("deploy/systemd")).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let unit = text(&format!("deploy/systemd/{name}"));
        let pairs = pairs(&unit);
        if !name.ends_with(".service") {
            continue;
        }
        let line = pairs["ExecStart"][0]
            .strip_prefix("/usr/local/bin/commissary ")
            .unwrap();
        let command: Vec<_> = line.split(' ').map(str::to_owned).collect();
        let variables: BTreeSet<_> = pairs["Environment"]
            .iter()
            .map(|pair| pair.split('=').next().unwrap().to_owned())
            .collect();
        assert!(
            variables.contains("DATABASE_URL_FILE"),
            "{name}: secrets are files"
        );
        takes(&command, &variables);
        if command[0] != "migrate" {
            let seconds: u64 = pairs["TimeoutStopSec"][0].parse().unwrap();
            assert!(seconds > common::runtime::DRAIN_TIMEOUT.as_secs(), "{name}");
            assert!(variables.contains("COMMISSARY_METRICS_LISTEN"), "{name}");
        }
        for one in &pairs["Environment"] {
            if let Some((_, credential)) = one.split_once("=%d/") {
                let is_loaded = pairs["LoadCredential"]
                    .iter()
                    .any(|loaded| loaded.starts_with(&format!("{credential}:")));
                assert!(is_loaded, "{name}: {credential}");
            }
        }
        for (setting, value) in [
            ("DynamicUser", "yes"),
            ("NoNewPrivileges", "yes"),
            ("LogNamespace", "commissary"),
        ] {
            assert_eq!(pairs[setting], [value], "{name}");
        }
        started.insert(command[0].clone());
    }
    assert_eq!(
        started,
        ["api", "ingest", "migrate", "worker"].map(str::to_owned).into()
    );
    let target = text("deploy/systemd/commissary.target");
    for wanted in pairs(&target)["Wants"][0].split(' ') {
        let file = wanted
            .split_once('@')
            .map_or(wanted.to_owned(), |(name, _)| format!("{name}@.service"));
        assert!(
            of_repository(&format!("deploy/systemd/{file}")).is_file(),
            "{wanted}"
        );
    }
    let journal = text("deploy/systemd/journald@commissary.conf");
    assert!(journal.contains("\nSystemMaxUse="), "logs end somewhere");
}
