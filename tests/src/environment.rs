//! Where the tests find what they need: the servers in the environment, the binary beside themselves.

use std::{path::PathBuf, process::Command};

/// What processes of the product may see of our environment; everything else would be the developer's own configuration.
const INHERITED: [&str; 5] = ["PATH", "HOME", "USER", "LANG", "TMPDIR"];

/// A variable that `./scripts/test` sets. Panics when it is missing: a test that skips proves nothing.
pub fn required(name: &str) -> String {
    #[expect(
        clippy::disallowed_methods,
        reason = "tests have no command line of their own"
    )]
    let value = std::env::var(name);
    value.unwrap_or_else(|_missing| {
        panic!("{name} is not set: these tests need real servers. Run ./scripts/test, which starts them and sets it")
    })
}

/// The built `commissary`, in the target directory from which this test runs.
pub fn binary() -> PathBuf {
    let test = std::env::current_exe().expect("a test knows its own path");
    let built = test
        .parent()
        .and_then(|deps| deps.parent())
        .expect("tests are two levels below the target directory")
        .join("commissary");
    assert!(
        built.is_file(),
        "{} is missing. Build it first: cargo build --bin commissary, or run ./scripts/test",
        built.display()
    );
    built
}

/// A command of the product with an empty environment but for what every program needs.
pub fn commissary() -> Command {
    let mut command = Command::new(binary());
    command.env_clear();
    command.envs(std::env::vars_os().filter(|(name, _)| INHERITED.iter().any(|kept| name == kept)));
    command
}
