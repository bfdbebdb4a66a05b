//! The layer that gathers them, outside of all others.

use axum::{
    Router,
    extract::{Request, State},
    middleware::{Next, from_fn_with_state},
    response::Response,
};

use super::Rejections;
use crate::{http::AllTurnedAway, runtime::Clock};

/// `routes`, with what they turn away noted in `rejections`.
pub fn noting_rejections(routes: Router, rejections: Rejections, clock: Clock) -> Router {
    Router::new()
        .fallback_service(routes)
        .layer(from_fn_with_state((rejections, clock), gather))
}

async fn gather(
    State((rejections, clock)): State<(Rejections, Clock)>,
    request: Request,
    next: Next,
) -> Response {
    let mut response = next.run(request).await;
    if let Some(AllTurnedAway(all)) = response.extensions_mut().remove() {
        let now = clock.now();
        for turned_away in all {
            rejections.note(turned_away, now);
        }
    }
    response
}
