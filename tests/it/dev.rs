//! `commissary dev`: the first thing that anybody runs.

use std::{net::TcpListener, path::Path, time::Duration};

use commissary_tests::{Process, Shop, commissary, wait_for};
use tempfile::TempDir;

const STARTED: Duration = Duration::from_mins(1);

/// The state of one installation. Dropped, a server that a killed run left behind ends, too.
struct Home {
    directory: TempDir,
}

impl Home {
    fn new() -> Self {
        let passable = std::os::unix::fs::PermissionsExt::from_mode(0o711);
        let directory = tempfile::Builder::new()
            .prefix("commissary-dev-")
            .permissions(passable)
            .tempdir();
        Self {
            directory: directory.unwrap(),
        }
    }

    fn state(&self) -> std::path::PathBuf {
        self.directory.path().join("state")
    }

    fn start(&self, name: &str, more: &[&str]) -> Process {
        let mut command = commissary();
        command
            .args(["dev", "--listen", "127.0.0.1:0", "--state"])
            .arg(self.state())
            .args(more);
        Process::start(name, &mut command, self.directory.path())
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        let pid_file = self.state().join("postgres/data/postmaster.pid");
        let Some(pid) = std::fs::read_to_string(pid_file)
            .ok()
            .and_then(|text| text.lines().next().map(str::to_owned))
        else {
            return;
        };
        // Only if it is still that server and not another process that got its number.
        let arguments = std::fs::read_to_string(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        if arguments.contains(&*self.state().to_string_lossy()) {
            std::process::Command::new("kill")
                .args(["-QUIT", &pid])
                .status()
                .ok();
        }
    }
}

/// Waits for the greeting, checks it, and gives a storefront that calls the address in it.
async fn greeted(process: &mut Process) -> Shop {
    let url = wait_for("the greeting is printed", STARTED, async || {
        assert!(process.is_running(), "dev ended: {}", process.log());
        let greeting = process.out();
        let (_, rest) = greeting.split_once("Commissary serves on ")?;
        greeting
            .contains("Ctrl-C")
            .then(|| rest.split_whitespace().next().unwrap().to_owned())
    })
    .await;
    let greeting = process.out();
    assert!(
        greeting.contains(&format!("curl -X POST {url}/api/affiliates/track/PARTNER_CODE")),
        "{greeting}"
    );
    Shop::new(&url, &url)
}

#[tokio::test(flavor = "multi_thread")]
async fn data_stays_until_it_is_thrown_away() {
    let home = Home::new();
    let mut dev = home.start("first", &[]);
    let shop = greeted(&mut dev).await;
    let first = shop.track("order_12345", 100).await.expect(200);
    let conversion = shop
        .get("/1.6/conversions/?external_id=order_12345")
        .await
        .expect(200);
    assert_eq!(
        conversion.body[0]["affiliate"]["id"], "patpartner",
        "{conversion:?}"
    );
    super::rest::both_roles_on_one_path(&shop).await;
    dev.interrupt().await;

    let mut dev = home.start("second", &[]);
    let shop = greeted(&mut dev).await;
    let again = shop.track("order_12345", 100).await.expect(409);
    assert_eq!(
        again.text("/data/commission_id"),
        first.text("/data/commission_id")
    );
    let server = server_pid(&home.state());
    dev.kill9().await;

    // The server that the killed run left behind is adopted, not started beside itself.
    let mut dev = home.start("third", &[]);
    let shop = greeted(&mut dev).await;
    assert_eq!(server_pid(&home.state()), server);
    shop.track("order_12345", 100).await.expect(409);
    dev.terminate().await;

    let mut dev = home.start("fourth", &["--fresh"]);
    let shop = greeted(&mut dev).await;
    shop.track("order_12345", 100).await.expect(200);
    dev.interrupt().await;
    assert!(
        !home.state().join("postgres/data/postmaster.pid").exists(),
        "the server ends with dev"
    );
}

fn server_pid(state: &Path) -> String {
    let pid_file = std::fs::read_to_string(state.join("postgres/data/postmaster.pid"));
    pid_file.unwrap().lines().next().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_taken_port_gets_a_sentence() {
    let home = Home::new();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let mut command = commissary();
    command
        .args(["dev", "--listen", &address, "--state"])
        .arg(home.state());
    let mut dev = Process::start("taken", &mut command, home.directory.path());
    let status = dev.end().await;
    assert_eq!(status.code(), Some(1));
    let said = dev.log();
    assert!(
        said.contains(&format!("{address} is taken by another program")),
        "{said}"
    );
    assert!(said.contains("--listen"), "{said}");
    assert!(!home.state().join("postgres").exists(), "nothing was started");
}
