//! The manifests, read into Kubernetes's own types: what such a type does not know is lost on the way, and found so.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
};

use k8s_openapi::{
    api::{
        apps::v1::Deployment,
        batch::v1::Job,
        core::v1::{ConfigMap, Container, Namespace, PodSpec, Secret, Service},
        networking::v1::NetworkPolicy,
        policy::v1::PodDisruptionBudget,
    },
    apimachinery::pkg::util::intstr::IntOrString,
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::Value;

use super::{is_full_version, of_repository, takes, text};

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
#[expect(dead_code, reason = "that there is no other field is what is tested")]
struct Kustomization {
    api_version: String,
    kind: String,
    namespace: String,
    resources: Vec<String>,
    images: Vec<Image>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Image {
    name: String,
    new_name: String,
    new_tag: String,
}

#[derive(Default)]
struct Manifests {
    deployments: Vec<Deployment>,
    jobs: Vec<Job>,
    budgets: Vec<PodDisruptionBudget>,
    services: Vec<Service>,
    policies: Vec<NetworkPolicy>,
    config: BTreeMap<String, ConfigMap>,
    secrets: BTreeMap<String, Secret>,
    namespaces: Vec<Namespace>,
}

/// As its type, which must know all of it.
fn typed<T: DeserializeOwned + Serialize>(document: &Value) -> T {
    let read: T =
        serde_json::from_value(document.clone()).unwrap_or_else(|error| panic!("{error}: {document:#}"));
    let again = serde_json::to_value(&read).unwrap();
    assert_eq!(
        &again, document,
        "something in it is nothing that Kubernetes knows"
    );
    read
}

fn manifests() -> Manifests {
    let mut found = Manifests::default();
    for entry in fs::read_dir(of_repository("deploy/kubernetes")).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        if name == "kustomization.yaml" {
            continue;
        }
        let documents: Vec<Value> =
            serde_saphyr::from_multiple(&text(&format!("deploy/kubernetes/{name}"))).unwrap();
        for document in documents {
            match document["kind"].as_str().unwrap() {
                "Deployment" => found.deployments.push(typed(&document)),
                "Job" => found.jobs.push(typed(&document)),
                "PodDisruptionBudget" => found.budgets.push(typed(&document)),
                "Service" => found.services.push(typed(&document)),
                "NetworkPolicy" => found.policies.push(typed(&document)),
                "Namespace" => found.namespaces.push(typed(&document)),
                "ConfigMap" => {
                    let read: ConfigMap = typed(&document);
                    found.config.insert(read.metadata.name.clone().unwrap(), read);
                }
                "Secret" => {
                    let read: Secret = typed(&document);
                    found.secrets.insert(read.metadata.name.clone().unwrap(), read);
                }
                other => panic!("{name}: {other}"),
            }
        }
    }
    found
}

/// The files that a container sees, and that each of its variables which names one finds it.
fn finds_its_files(pod: &PodSpec, container: &Container, manifests: &Manifests) {
    let mut files = BTreeSet::new();
    for mount in container.volume_mounts.iter().flatten() {
        let volume = pod
            .volumes
            .iter()
            .flatten()
            .find(|volume| volume.name == mount.name)
            .unwrap();
        let keys: Vec<&String> = if let Some(secret) = &volume.secret {
            manifests.secrets[secret.secret_name.as_ref().unwrap()]
                .string_data
                .as_ref()
                .unwrap()
                .keys()
                .collect()
        } else {
            manifests.config[&volume.config_map.as_ref().unwrap().name]
                .data
                .as_ref()
                .unwrap()
                .keys()
                .collect()
        };
        files.extend(keys.iter().map(|key| format!("{}/{key}", mount.mount_path)));
    }
    for variable in container
        .env
        .iter()
        .flatten()
        .filter(|variable| variable.name.ends_with("_FILE"))
    {
        assert!(
            files.contains(variable.value.as_ref().unwrap()),
            "{variable:?} of {files:?}"
        );
    }
}

fn looks_right(pod: &PodSpec, manifests: &Manifests) {
    let container = &pod.containers[0];
    let mut variables: BTreeSet<String> = container
        .env
        .iter()
        .flatten()
        .map(|variable| variable.name.clone())
        .collect();
    assert!(variables.contains("DATABASE_URL_FILE"), "secrets are files");
    let shared = container
        .env_from
        .iter()
        .flatten()
        .filter_map(|from| from.config_map_ref.as_ref());
    let shared: Vec<_> = shared
        .flat_map(|from| manifests.config[&from.name].data.as_ref().unwrap().keys())
        .collect();
    let args = container.args.as_ref().unwrap();
    // What one role needs, another does not know: it is told all the same.
    variables.extend(
        shared
            .into_iter()
            .filter(|name| *name != "COMMISSARY_PUBLIC_URL" || args[0] == "api")
            .cloned(),
    );
    takes(args, &variables);
    finds_its_files(pod, container, manifests);
    let context = container.security_context.as_ref().unwrap();
    assert_eq!(context.read_only_root_filesystem, Some(true));
    assert_eq!(context.allow_privilege_escalation, Some(false));
    assert_eq!(pod.security_context.as_ref().unwrap().run_as_non_root, Some(true));
    assert_eq!(pod.automount_service_account_token, Some(false));
    assert!(
        container
            .resources
            .as_ref()
            .unwrap()
            .limits
            .as_ref()
            .unwrap()
            .contains_key("memory")
    );
}

/// Probes ask for what there is, and the end may take its time.
fn is_asked_and_ends_in_time(pod: &PodSpec, role: &str) {
    let container = &pod.containers[0];
    let ports: BTreeSet<_> = container
        .ports
        .iter()
        .flatten()
        .filter_map(|port| port.name.clone())
        .collect();
    for (probe, path) in [
        (&container.startup_probe, "/healthz"),
        (&container.liveness_probe, "/healthz"),
        (&container.readiness_probe, "/readyz"),
    ] {
        let get = probe.as_ref().unwrap().http_get.as_ref().unwrap();
        assert_eq!(get.path.as_deref(), Some(path), "{role}");
        assert!(
            matches!(&get.port, IntOrString::String(name) if ports.contains(name)),
            "{role}"
        );
    }
    let sleep = container
        .lifecycle
        .as_ref()
        .unwrap()
        .pre_stop
        .as_ref()
        .unwrap()
        .sleep
        .as_ref()
        .unwrap()
        .seconds;
    let drain = i64::try_from(common::runtime::DRAIN_TIMEOUT.as_secs()).unwrap();
    assert!(
        pod.termination_grace_period_seconds.unwrap() > sleep + drain,
        "{role}: it may end in its own time"
    );
}

#[test]
fn manifests_are_what_kubernetes_reads_and_the_binary_takes() {
    let manifests = manifests();
    let mut roles = BTreeSet::new();
    for deployment in &manifests.deployments {
        let spec = deployment.spec.as_ref().unwrap();
        let role = deployment.metadata.name.clone().unwrap();
        let pod = spec.template.spec.as_ref().unwrap();
        looks_right(pod, &manifests);
        let container = &pod.containers[0];
        assert_eq!(container.args.as_ref().unwrap()[0], role);
        let labels = spec.template.metadata.as_ref().unwrap().labels.as_ref();
        assert_eq!(spec.selector.match_labels.as_ref(), labels, "{role}");
        assert!(spec.replicas.unwrap() >= 2, "{role}: one may go");

        is_asked_and_ends_in_time(pod, &role);

        let budget = manifests
            .budgets
            .iter()
            .find(|budget| budget.metadata.name.as_ref() == Some(&role))
            .unwrap();
        let selector = budget.spec.as_ref().unwrap().selector.as_ref().unwrap();
        assert_eq!(
            selector.match_labels.as_ref(),
            labels,
            "{role}: the budget is about its pods"
        );
        if role != "worker" {
            let service = manifests
                .services
                .iter()
                .find(|service| service.metadata.name.as_ref() == Some(&role))
                .unwrap();
            assert_eq!(service.spec.as_ref().unwrap().selector.as_ref(), labels, "{role}");
        }
        roles.insert(role);
    }
    assert_eq!(roles, ["api", "ingest", "worker"].map(str::to_owned).into());
    assert_eq!(manifests.jobs.len(), 1);
    looks_right(
        manifests.jobs[0]
            .spec
            .as_ref()
            .unwrap()
            .template
            .spec
            .as_ref()
            .unwrap(),
        &manifests,
    );
    assert_eq!((manifests.namespaces.len(), manifests.policies.len()), (1, 2));
}

#[test]
fn the_kustomization_names_all_files_and_one_version() {
    let read: Kustomization = serde_saphyr::from_str(&text("deploy/kubernetes/kustomization.yaml")).unwrap();
    let named: BTreeSet<_> = read.resources.iter().cloned().collect();
    let files: BTreeSet<_> = fs::read_dir(of_repository("deploy/kubernetes"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| !matches!(name.as_str(), "kustomization.yaml" | "secrets.example.yaml"))
        .collect();
    assert_eq!(named, files);
    let image = &read.images[0];
    assert_eq!(
        (image.name.as_str(), image.new_tag.as_str()),
        ("commissary", env!("CARGO_PKG_VERSION"))
    );
    assert!(is_full_version(&format!("{}:{}", image.new_name, image.new_tag)));
    let job = manifests().jobs[0].metadata.name.clone().unwrap();
    assert_eq!(
        job,
        format!("migrate-{}", image.new_tag),
        "a job is done once: a new version has a new one"
    );
}
