//! Requests by route and status. Each thread keeps the handles that it has used: a request makes no label, and takes no lock.

use std::{cell::RefCell, collections::HashMap, time::Duration};

use metrics::{Counter, Histogram, counter, histogram};

use super::names;

/// Stands for a path at which no call is.
const NO_ROUTE: &str = "none";
/// Stands for methods that no call has: callers make them up.
const OTHER: &str = "OTHER";

/// What a thread has counted of one method and route.
struct OfRoute {
    duration: Histogram,
    by_status: HashMap<u16, Counter>,
}

thread_local! {
    /// By method, then by route.
    static ROUTES: RefCell<HashMap<&'static str, HashMap<String, OfRoute>>> = RefCell::default();
}

/// A request was answered. `route` is the pattern of its path, `None` where no call is there.
pub fn answered(method: &str, route: Option<&str>, status: u16, took: Duration) {
    let (method, route) = (known(method), route.unwrap_or(NO_ROUTE));
    ROUTES.with_borrow_mut(|methods| {
        let routes = methods.entry(method).or_default();
        if let Some(of_route) = routes.get_mut(route) {
            of_route.count(method, route, status, took);
            return;
        }
        let mut of_route = OfRoute {
            duration: histogram!(names::HTTP_DURATION, "method" => method, "route" => route.to_owned()),
            by_status: HashMap::new(),
        };
        of_route.count(method, route, status, took);
        routes.insert(route.to_owned(), of_route);
    });
}

impl OfRoute {
    fn count(&mut self, method: &'static str, route: &str, status: u16, took: Duration) {
        self.duration.record(took.as_secs_f64());
        let counter = self.by_status.entry(status).or_insert_with(|| {
            counter!(
                names::HTTP_REQUESTS,
                "method" => method, "route" => route.to_owned(), "status" => status.to_string()
            )
        });
        counter.increment(1);
    }
}

fn known(method: &str) -> &'static str {
    const METHODS: [&str; 7] = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"];
    let known = METHODS.into_iter().find(|known| *known == method);
    known.unwrap_or(OTHER)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn methods_that_callers_make_up_are_one() {
        assert_eq!(known("PATCH"), "PATCH");
        assert_eq!(known("BREW"), OTHER);
    }
}
