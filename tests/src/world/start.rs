//! The making of an installation: its database with the demo world, then its processes.

use tempfile::TempDir;

use super::{
    OWNER, Scratch, World,
    builder::{Builder, Queue, address, serve},
};
use crate::{
    environment::{commissary, required},
    http::Shop,
    psql::Database,
};

impl World {
    /// One ingest, one worker, one api, the demo world.
    pub async fn start(queue: Queue) -> Self {
        Self::of(queue).start().await
    }
}

impl Builder {
    /// Makes the database with the demo world and starts the processes; returns when they are ready.
    pub async fn start(self) -> World {
        let directory = tempfile::Builder::new()
            .prefix("commissary-it-")
            .tempdir()
            .expect("a directory for logs");
        let (name, prefix) = names(&directory);
        let admin = Database::new(&self.server.clone().unwrap_or_else(|| required("DATABASE_URL")));
        for user in [OWNER, "commissary_ingest", "commissary_worker", "commissary_api"] {
            admin.sql(&role(user)).await;
        }
        admin.sql(&format!("CREATE DATABASE {name} OWNER {OWNER}")).await;
        let db = admin.sibling(&name);
        let scratch = Scratch { admin, name };

        let demo = concat!(env!("CARGO_MANIFEST_DIR"), "/../demo/catalog.toml");
        let mut steps = vec![["migrate", "--grants"]];
        match &self.rows {
            Some(file) => db.as_user(OWNER).file(file, &[]).await,
            None => steps.push(["apply", demo]),
        }
        for arguments in steps {
            let mut command = commissary();
            command
                .args(arguments)
                .env("DATABASE_URL", db.as_user(OWNER).url());
            let output = command.output().expect("the binary runs");
            let error = String::from_utf8_lossy(&output.stderr);
            assert!(
                output.status.success(),
                "commissary {}: {error}",
                arguments.join(" ")
            );
        }

        let ingest = self.role(&db, &prefix, "ingest", self.ingest_amqp.as_deref());
        let api = self.role(&db, &prefix, "api", None);
        let mut ingest = serve(ingest, "ingest", directory.path());
        let mut api = serve(api, "api", directory.path());
        let shop = Shop::new(
            &address(&mut ingest, "ingest").await,
            &address(&mut api, "api").await,
        );
        let mut world = World {
            shop,
            ingest,
            workers: Vec::new(),
            api,
            db,
            config: self,
            prefix,
            started: 0,
            _scratch: scratch,
            directory,
        };
        for _ in 0..world.config.workers {
            let amqp = world.config.worker_amqp.clone();
            world.start_worker(amqp.as_deref()).await;
        }
        if world.config.expects_broker() {
            world.ingest.logged("broker connection up", 2).await;
        }
        world.ready().await;
        world
    }
}

/// Makes a role of the server, which other tests may be making, too.
fn role(name: &str) -> String {
    format!(
        "DO $$BEGIN CREATE ROLE {name} LOGIN; EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END$$"
    )
}

/// Names that no other test has, for the database and for the queues.
fn names(directory: &TempDir) -> (String, String) {
    let random = directory.path().file_name().expect("a directory has a name");
    let random = random.to_string_lossy();
    let random: String = random.chars().filter(char::is_ascii_alphanumeric).collect();
    let name = format!("it_{}_{}", std::process::id(), random.to_lowercase());
    let prefix = format!("test.{name}");
    (name, prefix)
}
