//! PostgreSQL and RabbitMQ over TLS: whom a process believes, who believes it, and what it says when it does not.

use std::{
    io::Write as _,
    net::TcpListener,
    os::unix::fs::{MetadataExt as _, PermissionsExt, chown},
    path::{Path, PathBuf},
    sync::Arc,
};

use commissary_tests::{Authority, Certificate, Database, Queue, Servers, World, commissary};
use rustls::{
    ServerConfig, ServerConnection,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _},
};
use serde_json::Value;

/// A check of `commissary doctor`: whether all is well, and what it says.
async fn doctor(check: &str, variables: &[(&str, &str)]) -> (bool, String) {
    let mut command = commissary();
    command.args(["doctor", "--json"]).envs(variables.iter().copied());
    let output = tokio::process::Command::from(command).output().await.unwrap();
    let report: Value =
        serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {output:?}"));
    let mut checks = report["checks"].as_array().unwrap().iter();
    let found = checks.find(|one| one["check"] == check).unwrap();
    (found["ok"] == true, found["detail"].as_str().unwrap().to_owned())
}

/// A PostgreSQL that takes TLS alone from the network.
struct Postgres {
    local: Database,
    port: String,
    data: PathBuf,
}

impl Postgres {
    async fn start(servers: &Servers) -> Self {
        let mut command = std::process::Command::new(commissary_tests::required("COMMISSARY_SERVERS"));
        command
            .arg("postgres-start")
            .arg(servers.path())
            .args(["--fast", "--tcp"]);
        let output = tokio::process::Command::from(command).output().await.unwrap();
        assert!(output.status.success(), "{output:?}");
        let url = String::from_utf8(output.stdout).unwrap().trim().to_owned();
        let port = url
            .rsplit(':')
            .next()
            .unwrap()
            .split('/')
            .next()
            .unwrap()
            .to_owned();
        let local = Database::new(&url);
        let data = PathBuf::from(local.sql("SHOW data_directory").await);
        let socket = local.sql("SHOW unix_socket_directories").await;
        let socket = socket.replace('/', "%2F");
        let local = Database::new(&format!(
            "postgres://commissary@localhost:{port}/postgres?host={socket}"
        ));
        Self { local, port, data }
    }

    /// Presents this certificate from now on, and knows clients by this CA.
    async fn present(&self, certificate: &Certificate, ca: &Path, client: &str) {
        let owner = std::fs::metadata(&self.data).unwrap().uid();
        for (from, to) in [
            (certificate.certificate.as_path(), "server.crt"),
            (&certificate.key, "server.key"),
            (ca, "root.crt"),
        ] {
            let to = self.data.join(to);
            std::fs::copy(from, &to).unwrap();
            std::fs::set_permissions(&to, PermissionsExt::from_mode(0o600)).unwrap();
            chown(&to, Some(owner), None).unwrap();
        }
        let hba = format!("local all all trust\nhostssl all all 127.0.0.1/32 {client}\n");
        std::fs::write(self.data.join("pg_hba.conf"), hba).unwrap();
        for statement in [
            "ALTER SYSTEM SET ssl_ca_file = 'root.crt'",
            "ALTER SYSTEM SET ssl = on",
        ] {
            self.local.sql(statement).await;
        }
        let loaded = "SELECT pg_conf_load_time()";
        let before = self.local.sql(loaded).await;
        self.local.sql("SELECT pg_reload_conf()").await;
        commissary_tests::wait_until(
            "the configuration is read",
            std::time::Duration::from_secs(10),
            async || self.local.sql(loaded).await != before && self.local.sql("SHOW ssl").await == "on",
        )
        .await;
    }

    fn url(&self, host: &str, query: &str) -> String {
        format!("postgres://commissary@{host}:{}/postgres?{query}", self.port)
    }

    async fn said(&self, host: &str, query: &str) -> (bool, String) {
        doctor("database", &[("DATABASE_URL", &self.url(host, query))]).await
    }
}

/// The server wants to know its clients by certificates.
async fn clients_are_known_by_certificates(postgres: &Postgres, ours: &Authority, others: &Authority) {
    let full = format!("sslmode=verify-full&sslrootcert={}", ours.file().display());
    postgres
        .present(&ours.sign("localhost"), &ours.file(), "cert")
        .await;
    let (is_well, said) = postgres.said("localhost", &full).await;
    assert!(!is_well && said.contains("certificate"), "{said}");
    let identity =
        |of: &Certificate| format!("sslcert={}&sslkey={}", of.certificate.display(), of.key.display());
    let (is_well, said) = postgres
        .said(
            "localhost",
            &format!("{full}&{}", identity(&ours.sign("commissary"))),
        )
        .await;
    assert!(is_well, "{said}");
    let stranger = identity(&others.sign("commissary"));
    let (is_well, said) = postgres.said("localhost", &format!("{full}&{stranger}")).await;
    assert!(
        !is_well && said.contains("of the CA that the server trusts"),
        "{said}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn postgres_is_believed_by_its_certificate_alone() {
    let servers = Servers::new();
    let ours = Authority::new("ours", servers.path());
    let others = Authority::new("others", servers.path());
    let postgres = Postgres::start(&servers).await;
    let trust = |ca: &Authority| format!("sslrootcert={}", ca.file().display());
    let full = format!("sslmode=verify-full&{}", trust(&ours));

    postgres
        .present(&ours.sign("localhost"), &ours.file(), "trust")
        .await;
    for query in [
        full.as_str(),
        "sslmode=require",
        "sslmode=prefer",
        &format!("sslmode=verify-ca&{}", trust(&ours)),
    ] {
        let (is_well, said) = postgres.said("localhost", query).await;
        assert!(is_well, "{query}: {said}");
    }
    for (host, query, part) in [
        ("127.0.0.1", full.as_str(), "connect by a name that is in it"),
        (
            "localhost",
            &format!("sslmode=verify-full&{}", trust(&others)),
            "name the file with the CA's certificate",
        ),
        (
            "localhost",
            "sslmode=verify-full",
            "name the file with the CA's certificate",
        ),
        ("localhost", "sslmode=disable", "no encryption"),
        (
            "localhost",
            "sslmode=verify-full&sslrootcert=/nowhere.pem",
            "sslrootcert of DATABASE_URL names /nowhere.pem",
        ),
    ] {
        let (is_well, said) = postgres.said(host, query).await;
        assert!(!is_well && said.contains(part), "{host} {query}: {said}");
    }
    let (is_well, said) = postgres
        .said("127.0.0.1", &format!("sslmode=verify-ca&{}", trust(&ours)))
        .await;
    assert!(is_well, "verify-ca does not look at the name: {said}");

    postgres
        .present(&ours.sign_expired("localhost"), &ours.file(), "trust")
        .await;
    let (is_well, said) = postgres.said("localhost", &full).await;
    assert!(!is_well && said.contains("has expired"), "{said}");

    clients_are_known_by_certificates(&postgres, &ours, &others).await;

    // All roles, by TLS.
    postgres
        .present(&ours.sign("localhost"), &ours.file(), "trust")
        .await;
    let world = World::of(Queue::Spool)
        .on_postgres(&postgres.url("localhost", &full))
        .start()
        .await;
    world.shop.track("by-tls", 100).await.expect(200);
    let plain = "SELECT count(*) FILTER (WHERE NOT ssl) || ' of ' || (count(*) > 5)::text FROM pg_stat_ssl NATURAL JOIN pg_stat_activity
                 WHERE application_name LIKE 'commissary %'";
    assert_eq!(world.sql(plain).await, "0 of true");
    world.finish().await;
}

/// Has the next start of the node of `servers` take TLS on the port that it gives, from clients that the CA knows alone.
fn with_tls(servers: &Servers, certificate: &Certificate, ca: &Path) -> u16 {
    let port = commissary_tests::free_port();
    let home = servers.path().join("rabbitmq");
    std::fs::create_dir_all(home.join("conf.d")).unwrap();
    let lines = format!(
        "listeners.ssl.1 = 127.0.0.1:{port}\nssl_options.cacertfile = {}\nssl_options.certfile = {}\nssl_options.keyfile = {}\n\
         ssl_options.verify = verify_peer\nssl_options.fail_if_no_peer_cert = true\n",
        ca.display(),
        certificate.certificate.display(),
        certificate.key.display()
    );
    std::fs::write(home.join("conf.d/tls.conf"), lines).unwrap();
    port
}

#[tokio::test(flavor = "multi_thread")]
async fn the_broker_is_believed_by_its_certificate_and_believes_ours() {
    let servers = Servers::new();
    let ours = Authority::new("ours", servers.path());
    let others = Authority::new("others", servers.path());
    let port = with_tls(&servers, &ours.sign("localhost"), &ours.file());
    let plain = servers.run("rabbitmq-start").await;
    let (client, stranger) = (ours.sign("ingest"), others.sign("ingest"));
    let database = commissary_tests::required("DATABASE_URL");

    let said = async |host: &str, ca: &Authority, client: Option<&Certificate>| {
        let url = format!("amqps://guest:guest@{host}:{port}/%2f");
        let ca = ca.file().display().to_string();
        let files = client.map(|of| (of.certificate.display().to_string(), of.key.display().to_string()));
        let mut variables = vec![
            ("DATABASE_URL", database.as_str()),
            ("AMQP_URL", &url),
            ("COMMISSARY_AMQP_CA_FILE", &ca),
        ];
        if let Some((certificate, key)) = &files {
            variables.push(("COMMISSARY_AMQP_CERT_FILE", certificate));
            variables.push(("COMMISSARY_AMQP_KEY_FILE", key));
        }
        doctor("broker", &variables).await
    };
    let (is_well, found) = said("localhost", &ours, Some(&client)).await;
    assert!(is_well && found.starts_with("RabbitMQ"), "{found}");
    for (host, ca, client, part) in [
        (
            "127.0.0.1",
            &ours,
            Some(&client),
            "connect by a name that is in it",
        ),
        (
            "localhost",
            &others,
            Some(&client),
            "name the file with the CA's certificate",
        ),
        (
            "localhost",
            &ours,
            None,
            "the server wants a client's certificate",
        ),
        (
            "localhost",
            &ours,
            Some(&stranger),
            "of the CA that the server trusts",
        ),
    ] {
        let (is_well, found) = said(host, ca, client).await;
        assert!(
            !is_well && found.contains(part),
            "{host} {ca:?} {client:?}: {found}"
        );
    }

    // Roles by TLS, over a restart of the broker.
    let url = format!("amqps://guest:guest@localhost:{port}/%2f");
    let mut world = World::of(Queue::Rabbit)
        .on_rabbit(&plain)
        .ingest_amqp(&url)
        .worker_amqp(&url)
        .variable("COMMISSARY_AMQP_CA_FILE", &ours.file().display().to_string())
        .variable(
            "COMMISSARY_AMQP_CERT_FILE",
            &client.certificate.display().to_string(),
        )
        .variable("COMMISSARY_AMQP_KEY_FILE", &client.key.display().to_string())
        .start()
        .await;
    world.shop.track("before", 100).await.expect(200);
    servers.run("rabbitmq-kill").await;
    world.shop.track("meanwhile", 100).await;
    servers.run("rabbitmq-start").await;
    world.ingest.logged("broker connection up", 4).await;
    world.workers[0].logged("broker connection up", 4).await;
    world.shop.track("after", 100).await.expect(200);
    world.drained(0).await;
    world.until("(SELECT count(*) FROM conversions) = 3").await;
    world.finish().await;
}

/// Answers one connection after the other with this certificate, and says nothing after the handshake.
fn serve_tls(of: &Certificate) -> u16 {
    let chain = CertificateDer::pem_file_iter(&of.certificate)
        .unwrap()
        .collect::<Result<Vec<_>, _>>()
        .unwrap();
    let key = PrivateKeyDer::from_pem_file(&of.key).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap();
    let config = Arc::new(config.with_no_client_auth().with_single_cert(chain, key).unwrap());
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut tls = ServerConnection::new(Arc::clone(&config)).unwrap();
            // Who refuses the certificate breaks off here.
            let _broken_off = tls.complete_io(&mut stream);
            let _gone = stream.flush();
        }
    });
    port
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broker_with_an_old_certificate_or_none_is_named_as_such() {
    let directory = tempfile::tempdir().unwrap();
    let ours = Authority::new("ours", directory.path());
    let database = commissary_tests::required("DATABASE_URL");
    let plain = commissary_tests::required("AMQP_URL");
    let port_of_plain = plain
        .rsplit(':')
        .next()
        .unwrap()
        .split('/')
        .next()
        .unwrap()
        .to_owned();
    let ca = ours.file().display().to_string();
    for (port, part) in [
        (
            serve_tls(&ours.sign_expired("localhost")).to_string(),
            "has expired",
        ),
        (port_of_plain, "does not speak TLS on this port"),
    ] {
        let variables = [
            ("DATABASE_URL", database.as_str()),
            ("AMQP_URL", &format!("amqps://guest:guest@localhost:{port}")),
            ("COMMISSARY_AMQP_CA_FILE", &ca),
        ];
        let (is_well, said) = doctor("broker", &variables).await;
        assert!(!is_well && said.contains(part), "{said}");
    }
}
