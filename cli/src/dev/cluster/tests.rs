//! The cluster on the installed PostgreSQL. Every test has a state directory of its own, so they run side by side; all
//! hold for root and for an ordinary user.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

use super::user::{ServerUser, TOOL_TIMEOUT, succeed};
use super::{Cluster, home, percent_encoded};
use crate::dev::cluster::pid_file::PidFile;

/// A directory for one test; a failed test leaves neither it nor a server behind.
struct Scratch(PathBuf);

impl Scratch {
    fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!(
            "commissary-test-{}-{}",
            std::process::id(),
            NEXT.fetch_add(1, Ordering::Relaxed)
        );
        let dir = std::env::temp_dir().join(name);
        std::fs::create_dir(&dir).unwrap();
        std::fs::set_permissions(&dir, PermissionsExt::from_mode(0o755)).unwrap();
        Self(dir.canonicalize().unwrap())
    }

    fn state(&self) -> PathBuf {
        self.0.join("state")
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let inside = self.state().join("postgres");
        let elsewhere = std::fs::read_to_string(self.state().join("postgres.path"))
            .ok()
            .map(PathBuf::from);
        for base in std::iter::once(inside).chain(elsewhere) {
            // A test that has passed has stopped its servers, and a stale number may be anybody's.
            if let Some(left) = PidFile::read(&base.join("data")).filter(|_| std::thread::panicking()) {
                signal("QUIT", left.pid);
            }
            std::fs::remove_dir_all(base).ok();
        }
        std::fs::remove_dir_all(&self.0).ok();
    }
}

fn signal(name: &str, pid: u32) {
    Command::new("kill")
        .args([format!("-{name}"), pid.to_string()])
        .status()
        .unwrap();
}

fn pid(cluster: &Cluster) -> u32 {
    PidFile::read(&cluster.server.data).unwrap().pid
}

/// Asks through the address that the application gets.
async fn ask(cluster: &Cluster, sql: &str) -> String {
    let mut psql = cluster.server.user.command(cluster.server.binaries.path("psql"));
    psql.args(["-XAtq", "-v", "ON_ERROR_STOP=1", "-c", sql, &cluster.url()]);
    succeed(&mut psql, TOOL_TIMEOUT).await.unwrap().trim().to_owned()
}

async fn refusal(state: &Path) -> String {
    format!(
        "{:#}",
        Cluster::start(state)
            .await
            .map(|cluster| cluster.url())
            .unwrap_err()
    )
}

#[tokio::test]
async fn data_survives_a_stop_and_a_left_cluster_is_adopted() {
    let scratch = Scratch::new();
    let first = Cluster::start(&scratch.state()).await.unwrap();
    ask(&first, "CREATE TABLE kept AS SELECT 42 AS answer").await;
    let first_socket = first.socket_dir.clone();
    first.stop().await.unwrap();
    assert!(
        !first_socket.exists(),
        "the socket directory is gone with its server"
    );

    let second = Cluster::start(&scratch.state()).await.unwrap();
    assert_eq!(ask(&second, "SELECT answer FROM kept").await, "42");
    let left = (pid(&second), second.url());
    // What `kill -9` does to the application: the lock goes, the server stays.
    drop(second);

    let third = Cluster::start(&scratch.state()).await.unwrap();
    assert_eq!((pid(&third), third.url()), left);
    assert_eq!(ask(&third, "SELECT answer FROM kept").await, "42");
    third.stop().await.unwrap();
}

/// Files that others can read, but for those behind a closed directory.
fn open_to_others(directory: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap());
    let open = entries.filter(|entry| entry.metadata().unwrap().permissions().mode() & 0o077 != 0);
    open.flat_map(|entry| {
        if entry.metadata().unwrap().is_dir() {
            open_to_others(&entry.path())
        } else {
            vec![entry.path()]
        }
    })
    .collect()
}

#[tokio::test]
async fn the_server_is_private_and_durable() {
    let scratch = Scratch::new();
    let cluster = Cluster::start(&scratch.state()).await.unwrap();
    let mode = cluster.socket_dir.metadata().unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o700, "others cannot enter");
    let open = open_to_others(&scratch.state());
    assert!(open.is_empty(), "others can read {open:?}");
    let path = super::server::socket_in(&cluster.socket_dir);
    assert!(
        path.as_os_str().len() < 104,
        "the shortest limit of the systems we know"
    );
    for (setting, value) in [
        ("listen_addresses", ""),
        ("fsync", "on"),
        ("synchronous_commit", "on"),
        ("max_connections", "100"),
        ("max_wal_size", "2GB"),
        ("server_encoding", "UTF8"),
        ("TimeZone", "UTC"),
    ] {
        assert_eq!(
            ask(&cluster, &format!("SHOW {setting}")).await,
            value,
            "{setting}"
        );
    }
    assert_ne!(ask(&cluster, "SHOW wal_compression").await, "off");
    let who = ask(&cluster, "SELECT current_user || ' ' || current_database()").await;
    assert_eq!(who, "commissary commissary");
    cluster.stop().await.unwrap();
}

#[tokio::test]
async fn a_killed_server_comes_back_with_what_it_had_committed() {
    let scratch = Scratch::new();
    let cluster = Cluster::start(&scratch.state()).await.unwrap();
    ask(&cluster, "CREATE TABLE kept AS SELECT 42 AS answer").await;
    let (killed, socket) = (pid(&cluster), cluster.socket_dir.clone());
    signal("KILL", killed);
    drop(cluster);

    let cluster = Cluster::start(&scratch.state()).await.unwrap();
    assert_ne!(pid(&cluster), killed);
    assert_eq!(ask(&cluster, "SELECT answer FROM kept").await, "42");
    assert!(!socket.exists(), "the dead server's socket directory is swept");
    cluster.stop().await.unwrap();
}

#[tokio::test]
async fn stopping_a_server_that_has_died_is_no_error() {
    let scratch = Scratch::new();
    let cluster = Cluster::start(&scratch.state()).await.unwrap();
    let socket = cluster.socket_dir.clone();
    signal("KILL", pid(&cluster));
    cluster.stop().await.unwrap();
    assert!(!socket.exists());
}

#[tokio::test]
async fn a_stale_pid_that_belongs_to_another_process_is_no_server() {
    let scratch = Scratch::new();
    let cluster = Cluster::start(&scratch.state()).await.unwrap();
    let (user, data) = (cluster.server.user.clone(), cluster.server.data.clone());
    let file = PidFile::path(&data);
    let living = std::fs::read_to_string(&file).unwrap();
    let dead = pid(&cluster).to_string();
    cluster.stop().await.unwrap();

    // A process of the server's own user: PostgreSQL alone would refuse to start.
    let mut impostor = user.command("sleep").arg("60").spawn().unwrap();
    let stale = living.replacen(&dead, &impostor.id().unwrap().to_string(), 1);
    let mut tee = user.command("sh");
    tee.args(["-c", r#"printf %s "$1" >"$2""#, "sh", &stale])
        .arg(&file);
    succeed(&mut tee, TOOL_TIMEOUT).await.unwrap();

    let cluster = Cluster::start(&scratch.state()).await.unwrap();
    assert_eq!(
        impostor.try_wait().unwrap(),
        None,
        "the other process is left alone"
    );
    impostor.kill().await.unwrap();
    cluster.stop().await.unwrap();
}

#[tokio::test]
async fn a_second_run_on_the_same_state_gets_a_sentence() {
    let scratch = Scratch::new();
    let cluster = Cluster::start(&scratch.state()).await.unwrap();
    let error = refusal(&scratch.state()).await;
    assert!(
        error.contains(&format!("(process {})", std::process::id())),
        "{error}"
    );
    let error = Cluster::destroy(&scratch.state()).await.unwrap_err().to_string();
    assert!(error.contains("another `commissary dev`"), "{error}");
    assert_eq!(ask(&cluster, "SELECT 1").await, "1");
    cluster.stop().await.unwrap();
}

#[tokio::test]
async fn a_state_directory_that_the_server_cannot_enter_will_do() {
    let scratch = Scratch::new();
    std::fs::set_permissions(&scratch.0, PermissionsExt::from_mode(0o700)).unwrap();
    let first = Cluster::start(&scratch.state()).await.unwrap();
    ask(&first, "CREATE TABLE kept AS SELECT 42 AS answer").await;
    let data = first.server.data.clone();
    // Only root has a server user who cannot get in.
    let dropped = ServerUser::choose().await.unwrap().home.is_some();
    assert_eq!(data.starts_with(&scratch.0), !dropped);
    first.stop().await.unwrap();

    let second = Cluster::start(&scratch.state()).await.unwrap();
    assert_eq!(second.server.data, data, "it is remembered");
    assert_eq!(ask(&second, "SELECT answer FROM kept").await, "42");
    drop(second);
    Cluster::destroy(&scratch.state()).await.unwrap();
    assert!(!data.exists());
}

#[tokio::test]
async fn fresh_stops_a_live_cluster_and_removes_only_our_data() {
    let scratch = Scratch::new();
    Cluster::destroy(&scratch.state()).await.unwrap();
    let cluster = Cluster::start(&scratch.state()).await.unwrap();
    ask(&cluster, "CREATE TABLE lost AS SELECT 42 AS answer").await;
    let (data, socket) = (cluster.server.data.clone(), cluster.socket_dir.clone());
    let neighbour = scratch.state().join("notes.txt");
    std::fs::write(&neighbour, "mine").unwrap();
    drop(cluster);

    Cluster::destroy(&scratch.state()).await.unwrap();
    assert!(!data.exists() && !socket.exists());
    assert_eq!(std::fs::read_to_string(&neighbour).unwrap(), "mine");
    let cluster = Cluster::start(&scratch.state()).await.unwrap();
    assert_eq!(ask(&cluster, "SELECT to_regclass('lost') IS NULL").await, "t");
    cluster.stop().await.unwrap();
}

#[tokio::test]
async fn a_directory_that_we_have_not_made_is_neither_used_nor_removed() {
    let scratch = Scratch::new();
    let foreign = scratch.state().join("postgres");
    std::fs::create_dir_all(&foreign).unwrap();
    std::fs::write(foreign.join("PG_VERSION"), "15\n").unwrap();
    let error = refusal(&scratch.state()).await;
    assert!(error.contains("was not made by `commissary dev`"), "{error}");
    assert!(Cluster::destroy(&scratch.state()).await.is_err());
    assert!(foreign.join("PG_VERSION").exists());
}

#[tokio::test]
async fn a_run_killed_while_it_made_the_cluster_leaves_nothing_in_the_way() {
    let scratch = Scratch::new();
    std::fs::create_dir_all(scratch.state().join("postgres")).unwrap();
    let cluster = Cluster::start(&scratch.state()).await.unwrap();
    let data = cluster.server.data.clone();
    let user = cluster.server.user.clone();
    cluster.stop().await.unwrap();
    succeed(
        user.command("mv")
            .arg(&data)
            .arg(data.with_extension("unfinished")),
        TOOL_TIMEOUT,
    )
    .await
    .unwrap();
    Cluster::start(&scratch.state())
        .await
        .unwrap()
        .stop()
        .await
        .unwrap();
    assert!(!data.with_extension("unfinished").exists());
}

#[tokio::test]
async fn the_error_of_a_failed_start_ends_with_the_servers_log() {
    let scratch = Scratch::new();
    let cluster = Cluster::start(&scratch.state()).await.unwrap();
    let (user, data) = (cluster.server.user.clone(), cluster.server.data.clone());
    cluster.stop().await.unwrap();
    let spoil = format!(
        "echo nonsense_setting=1 >>'{}'",
        data.join("postgresql.conf").display()
    );
    succeed(user.command("sh").args(["-c", &spoil]), TOOL_TIMEOUT)
        .await
        .unwrap();
    let error = refusal(&scratch.state()).await;
    assert!(
        error.contains("postgres.log") && error.contains("nonsense_setting"),
        "{error}"
    );
}

#[tokio::test]
async fn data_of_another_major_version_gets_a_sentence_and_fresh_helps() {
    let scratch = Scratch::new();
    let cluster = Cluster::start(&scratch.state()).await.unwrap();
    let version = cluster.server.data.join("PG_VERSION");
    cluster.stop().await.unwrap();
    std::fs::write(&version, "9\n").unwrap();
    let error = refusal(&scratch.state()).await;
    assert!(
        error.contains("made by PostgreSQL 9") && error.contains("--fresh"),
        "{error}"
    );
    Cluster::destroy(&scratch.state()).await.unwrap();
    Cluster::start(&scratch.state())
        .await
        .unwrap()
        .stop()
        .await
        .unwrap();
}

#[tokio::test]
async fn a_copied_state_directory_does_not_get_the_data_of_its_original_but_a_moved_one_does() {
    let scratch = Scratch::new();
    let user = ServerUser::choose().await.unwrap();
    let (original, copy, moved) = (scratch.state(), scratch.0.join("copy"), scratch.0.join("moved"));
    let elsewhere = user.private_dir_in(Path::new("/tmp")).await.unwrap();
    for state in [&original, &copy] {
        std::fs::create_dir(state).unwrap();
        std::fs::write(state.join("postgres.path"), elsewhere.to_str().unwrap()).unwrap();
    }
    std::fs::write(
        elsewhere.join("made-by-commissary-dev"),
        original.to_str().unwrap(),
    )
    .unwrap();
    user.own(&elsewhere.join("made-by-commissary-dev")).unwrap();

    assert_eq!(home::find(&original).await.unwrap().as_ref(), Some(&elsewhere));
    assert_eq!(home::find(&copy).await.unwrap(), None);
    std::fs::rename(&original, &moved).unwrap();
    assert_eq!(home::find(&moved).await.unwrap().as_ref(), Some(&elsewhere));
    assert_eq!(
        home::find(&copy).await.unwrap(),
        None,
        "the moved one has taken it over"
    );
    std::fs::remove_dir_all(&elsewhere).unwrap();
}

#[test]
fn the_socket_directory_is_encoded_for_a_url() {
    assert_eq!(percent_encoded(b"/tmp/commissary-aB1"), "%2Ftmp%2Fcommissary-aB1");
    assert_eq!(percent_encoded("/a b&c=ä".as_bytes()), "%2Fa%20b%26c%3D%C3%A4");
}
