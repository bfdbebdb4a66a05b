//! What only `commissary dev` needs.

pub(crate) mod cluster;
