//! Requests that became no event, kept so that they are not turned away unseen: gathered in memory by a layer around the routes,
//! and written behind the requests. It never holds a request up, and under a flood keeps the counts rather than each request.

mod keep;
mod layer;
mod pending;

pub use keep::{FLUSH_INTERVAL, keep};
pub use layer::noting_rejections;
pub use pending::{MAX_PENDING, Rejections};
