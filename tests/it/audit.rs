//! The audit trail at the command line.

use commissary_tests::{Queue, World};

#[tokio::test(flavor = "multi_thread")]
async fn a_command_leaves_an_entry_and_the_trail_is_proved() {
    let world = World::start(Queue::Spool).await;
    world
        .commissary(&[
            "keys", "create", "--org", "demo", "--name", "reports", "--as", "ada",
        ])
        .await
        .well();
    let found = world
        .commissary(&["audit", "--org", "demo", "--actor", "ada", "--json"])
        .await
        .well()
        .json();
    assert_eq!(found.as_array().unwrap().len(), 1, "{found}");
    assert_eq!(found[0]["action"], "key.create");
    assert_eq!(found[0]["after"]["name"], "reports");
    let proved = world
        .commissary(&["audit", "verify", "--json"])
        .await
        .well()
        .json();
    assert_eq!(proved["faulty"], 0);
    assert!(
        proved["trails"]
            .as_array()
            .unwrap()
            .iter()
            .any(|trail| trail["org"] == "demo")
    );
    world.finish().await;
}
