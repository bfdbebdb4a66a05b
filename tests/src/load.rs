//! Storefronts that send sales at a steady pace, and remember what they were answered.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use tokio::{task::JoinHandle, time::MissedTickBehavior};
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::{http::Shop, wait::wait_until};

/// How long a number of answers is waited for.
const ANSWERS: Duration = Duration::from_mins(1);

/// One sale and what became of the call.
#[derive(Clone, Debug)]
pub struct Sent {
    pub order: String,
    /// `None`: the connection failed.
    pub status: Option<u16>,
    pub took: Duration,
}

impl Sent {
    /// Whether the storefront was told that the sale is safe.
    pub fn is_accepted(&self) -> bool {
        self.status.is_some_and(|status| (200..300).contains(&status))
    }
}

/// Running clients; they go on until [`Load::stop`], or until this is dropped.
#[derive(Debug)]
pub struct Load {
    stop: DropGuard,
    accepted: Arc<AtomicUsize>,
    clients: Vec<JoinHandle<Vec<Sent>>>,
}

impl Load {
    /// `clients` of them, each sending one sale every `pace` (or as fast as answers come, if that is slower).
    pub fn start(shop: &Shop, clients: usize, pace: Duration) -> Self {
        let (stop, accepted) = (CancellationToken::new(), Arc::new(AtomicUsize::new(0)));
        let clients = (0..clients)
            .map(|number| {
                tokio::spawn(client(
                    shop.clone(),
                    number,
                    pace,
                    stop.clone(),
                    Arc::clone(&accepted),
                ))
            })
            .collect();
        Self {
            stop: stop.drop_guard(),
            accepted,
            clients,
        }
    }

    /// Waits until so many more sales were answered with 2xx.
    pub async fn accepted(&self, more: usize) {
        let enough = self.accepted.load(Ordering::SeqCst) + more;
        wait_until(&format!("{more} more sales are accepted"), ANSWERS, async || {
            self.accepted.load(Ordering::SeqCst) >= enough
        })
        .await;
    }

    /// Ends the clients after the calls at hand.
    pub async fn stop(self) -> Vec<Sent> {
        drop(self.stop);
        let mut all = Vec::new();
        for client in self.clients {
            all.extend(client.await.expect("a client does not panic"));
        }
        all
    }
}

async fn client(
    shop: Shop,
    number: usize,
    pace: Duration,
    stop: CancellationToken,
    accepted: Arc<AtomicUsize>,
) -> Vec<Sent> {
    let mut pace = tokio::time::interval(pace);
    pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut all = Vec::new();
    loop {
        tokio::select! {
            () = stop.cancelled() => return all,
            _ = pace.tick() => {}
        }
        let order = format!("load-{number}-{}", all.len());
        let began = Instant::now();
        let answer = shop.try_track(&order, 100, &[]).await;
        let sent = Sent {
            order,
            status: answer.ok().map(|answer| answer.status),
            took: began.elapsed(),
        };
        if sent.is_accepted() {
            accepted.fetch_add(1, Ordering::SeqCst);
        }
        all.push(sent);
    }
}
