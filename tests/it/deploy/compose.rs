//! docker-compose.yml, as typed structs: a field that the file has and nobody knows is an error here.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use serde_json::Value;

use super::{is_full_version, takes, text};

/// Beside them stand only parts that several services share, `x-…`.
#[derive(Deserialize)]
struct Compose {
    services: BTreeMap<String, Service>,
    volumes: BTreeMap<String, Value>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Service {
    image: String,
    build: Option<String>,
    #[serde(default)]
    command: Vec<String>,
    environment: BTreeMap<String, String>,
    hostname: Option<String>,
    restart: String,
    stop_grace_period: String,
    stop_signal: Option<String>,
    read_only: Option<bool>,
    cap_drop: Option<Vec<String>>,
    security_opt: Option<Vec<String>>,
    logging: Logging,
    shm_size: Option<String>,
    #[serde(default)]
    ports: Vec<String>,
    #[serde(default)]
    volumes: Vec<String>,
    #[serde(default)]
    depends_on: BTreeMap<String, Value>,
    healthcheck: Option<Healthcheck>,
    deploy: Option<Deploy>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Deploy {
    replicas: u32,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Logging {
    driver: String,
    options: BTreeMap<String, String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "that there is no other field is what is tested")]
struct Healthcheck {
    test: Vec<String>,
    interval: String,
    timeout: String,
    retries: u32,
    start_period: String,
}

#[test]
fn the_compose_file_starts_what_there_is() {
    let compose: Compose = serde_saphyr::from_str(&text("docker-compose.yml")).unwrap();
    for (name, service) in &compose.services {
        assert!(is_full_version(&service.image), "{name}: {}", service.image);
        assert_eq!(service.logging.driver, "json-file", "{name}");
        assert!(
            service.logging.options.contains_key("max-size"),
            "{name}: logs end somewhere"
        );
        for needed in service.depends_on.keys() {
            assert!(compose.services.contains_key(needed), "{name} needs {needed}");
        }
        for volume in service
            .volumes
            .iter()
            .filter_map(|volume| volume.split(':').next())
        {
            assert!(
                volume.starts_with('.') || compose.volumes.contains_key(volume),
                "{name}: {volume}"
            );
        }
        if service.build.is_none() {
            continue;
        }
        let variables: BTreeSet<_> = service.environment.keys().cloned().collect();
        takes(&service.command, &variables);
        assert_eq!(service.read_only, Some(true), "{name}");
        assert_eq!(
            service.cap_drop.as_deref(),
            Some(["ALL".to_owned()].as_slice()),
            "{name}"
        );
        assert!(service.security_opt.is_some(), "{name}");
        if service.command[0] != "migrate" {
            assert_eq!(
                service.environment["COMMISSARY_METRICS_LISTEN"], "0.0.0.0:9180",
                "{name}"
            );
            assert!(service.healthcheck.is_some(), "{name}");
            assert!(
                !service.ports.iter().any(|port| port.contains("9180")),
                "{name}: metrics are not for everybody"
            );
        }
        assert!(service.stop_signal.is_none() && service.hostname.is_none() && service.shm_size.is_none());
        assert!(service.stop_grace_period.ends_with('s') && !service.restart.is_empty());
        let replicas = service.deploy.as_ref().map_or(1, |deploy| deploy.replicas);
        assert_eq!(
            replicas > 1,
            name == "worker",
            "{name}: ports of the others are published once"
        );
    }
}
