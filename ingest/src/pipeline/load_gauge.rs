//! Shows which organisations have the most under way here, by their numbers: their names are in the database.

use std::time::Duration;

use common::{domain::OrgId, runtime::TaskGroup, telemetry::metrics};

use super::under_way::UnderWay;

const EVERY: Duration = Duration::from_secs(5);
/// Organisations that are shown.
const SHOWN: usize = 5;

pub(super) fn start(under_way: &UnderWay, tasks: &TaskGroup) {
    let under_way = under_way.clone();
    tasks.keep("gauge of organisations", move || show(under_way.clone()));
}

async fn show(under_way: UnderWay) {
    loop {
        tokio::time::sleep(EVERY).await;
        let loads = under_way.shares().most_loaded(SHOWN);
        let numbered = loads.into_iter().map(|(org, events)| {
            let number = OrgId::stored(org).to_string();
            (number, u32::try_from(events).unwrap_or(u32::MAX))
        });
        metrics::under_way_of_most_loaded(&numbered.collect::<Vec<_>>());
    }
}
