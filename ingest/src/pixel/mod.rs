//! The pixel: a picture of nothing on a shop's thank-you page, whose address is a conversion.
//!
//! Its key is public, so what comes by it is recorded but vouched for by nobody, unless the link is signed or the request
//! comes from the pixel's own address ranges. The address is the connection's: no forwarding header is believed, because
//! anybody can send one. Behind a proxy only signatures vouch.
//!
//! Every answer is the picture. Its status is honest, which browsers ignore and networks log: 200 when the conversion is
//! durable (or on purpose not recorded), 400, 404 and the like when it is not; then `X-Pixel-Error` says why.

mod route;
mod signature;

pub use route::routes;
pub use signature::{SIGNATURE, canonical, key_of_url, sign, signed_url};

/// How the paths of all pixels begin.
pub(crate) const PATH: &str = "/p/";
