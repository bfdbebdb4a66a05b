//! Each process has a role of its own in the database, which may do what it does and no more: in the compose file, in a cluster that
//! was there before, and in all of these tests.

use std::path::{Path, PathBuf};

use commissary_tests::{Database, Queue, Servers, World, commissary};
use serde_json::Value;

const ROLES: [&str; 3] = ["ingest", "worker", "api"];

fn of_repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path)
}

/// The check of the role by `commissary doctor`, and whether it is well.
async fn doctor(db: &Database, more: &[&str]) -> (bool, Value) {
    let mut command = commissary();
    command
        .args(["doctor", "--json"])
        .args(more)
        .env("DATABASE_URL", db.url());
    let output = tokio::process::Command::from(command).output().await.unwrap();
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    let mut checks = report["checks"].as_array().unwrap().iter();
    let role = checks.find(|check| check["check"] == "role").unwrap();
    (role["ok"] == true, role.clone())
}

#[test]
fn the_compose_file_gives_each_process_its_own_user() {
    let file = std::fs::read_to_string(of_repository("docker-compose.yml")).unwrap();
    let services = file.split("\nservices:").nth(1).unwrap();
    for (service, user) in [
        ("migrate", "commissary_owner"),
        ("ingest", "commissary_ingest"),
        ("worker", "commissary_worker"),
        ("api", "commissary_api"),
    ] {
        let (_, text) = services.split_once(&format!("\n  {service}:\n")).unwrap();
        let end = text.find("\n\n").unwrap_or(text.len());
        let text = &text[..end];
        let variable = format!("{}_PASSWORD:", user.to_uppercase());
        assert!(
            text.contains(&format!("postgres://{user}:${{{variable}")),
            "{service}: {text}"
        );
        assert_eq!(text.matches("postgres://").count(), 1, "{service}");
        assert!(
            !text.contains("{POSTGRES_PASSWORD"),
            "the superuser is no process's: {service}"
        );
    }
    let roles = std::fs::read_to_string(of_repository("deploy/postgres-roles.sql")).unwrap();
    assert_eq!(roles.matches("NOSUPERUSER NOCREATEDB NOCREATEROLE").count(), 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cluster_of_one_superuser_is_handed_over() {
    let servers = Servers::new();
    let admin = Database::new(&servers.run("postgres-start").await);
    admin.sql("CREATE DATABASE commissary").await;
    let db = admin.sibling("commissary");
    let migrate = async |db: &Database, more: &[&str]| {
        let mut command = commissary();
        command.arg("migrate").args(more).env("DATABASE_URL", db.url());
        let output = tokio::process::Command::from(command).output().await.unwrap();
        assert!(output.status.success(), "{output:?}");
    };
    migrate(&db, &[]).await;
    let (is_well, role) = doctor(&db, &[]).await;
    assert!(is_well, "nobody has made the roles yet: {role}");
    assert!(
        role["detail"].as_str().unwrap().contains("is a superuser"),
        "{role}"
    );

    let passwords = [
        ("COMMISSARY_OWNER_PASSWORD", "o'wner"),
        ("COMMISSARY_INGEST_PASSWORD", "ingest"),
        ("COMMISSARY_WORKER_PASSWORD", "worker"),
        ("COMMISSARY_API_PASSWORD", "api"),
    ];
    for _ in 0..2 {
        admin
            .file(&of_repository("deploy/postgres-roles.sql"), &passwords)
            .await;
        migrate(&db.as_user("commissary_owner"), &["--grants"]).await;
    }
    for role in ROLES {
        let (is_well, said) = doctor(&db.as_user(&format!("commissary_{role}")), &["--role", role]).await;
        assert!(is_well, "{role}: {said}");
    }
    let (is_well, said) = doctor(&db, &[]).await;
    assert!(!is_well && said["ok"] == false, "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn processes_are_their_roles_and_the_doctor_knows_them() {
    let world = World::start(Queue::Spool).await;
    let users = "SELECT string_agg(DISTINCT application_name || '=' || usename, ' ' ORDER BY application_name || '=' || usename)
                 FROM pg_stat_activity WHERE datname = current_database() AND application_name LIKE 'commissary %'";
    assert_eq!(
        world.sql(users).await,
        "commissary api=commissary_api commissary ingest=commissary_ingest commissary worker=commissary_worker"
    );
    let powerful = "SELECT count(*) FROM pg_roles WHERE rolname LIKE 'commissary_%'
                    AND (rolsuper OR rolcreaterole OR rolcreatedb OR rolreplication OR rolbypassrls)";
    assert_eq!(world.count(powerful).await, 0);

    let of = |user: &str| world.db.as_user(user);
    for role in ROLES {
        let (is_well, said) = doctor(&of(&format!("commissary_{role}")), &[]).await;
        assert!(
            is_well && said["detail"].as_str().unwrap().ends_with("and no more"),
            "{said}"
        );
    }
    let (is_well, said) = doctor(&of("commissary_owner"), &[]).await;
    assert!(is_well, "operators' commands are the owner's: {said}");
    for (user, role, sentence) in [
        ("commissary_owner", "api", "owns tables"),
        ("commissary_worker", "ingest", "too much"),
        ("commissary_ingest", "worker", "lacks"),
    ] {
        let (is_well, said) = doctor(&of(user), &["--role", role]).await;
        let detail = said["detail"].as_str().unwrap();
        assert!(
            !is_well && detail.contains(sentence) && detail.contains("commissary "),
            "{said}"
        );
    }
    let (is_well, said) = doctor(&world.db, &[]).await;
    assert!(
        !is_well && said["detail"].as_str().unwrap().contains("is a superuser"),
        "{said}"
    );

    // What is printed is what was done: it changes nothing, and takes away what somebody has given beside it.
    let printed = world.commissary(&["grants"]).await.well().out;
    assert!(!printed.to_lowercase().contains("password"), "{printed}");
    world.sql("GRANT SELECT ON customers TO commissary_ingest").await;
    let ingest = of("commissary_ingest");
    assert!(ingest.try_sql("SELECT count(*) FROM customers").await.is_ok());
    let file = PathBuf::from(world.file("grants.sql", &printed));
    of("commissary_owner").file(&file, &[]).await;
    let refused = ingest
        .try_sql("SELECT count(*) FROM customers")
        .await
        .unwrap_err();
    assert!(refused.contains("permission denied"), "{refused}");
    for role in ROLES {
        let (is_well, said) = doctor(&of(&format!("commissary_{role}")), &[]).await;
        assert!(is_well, "{said}");
    }
    world.finish().await;
}
