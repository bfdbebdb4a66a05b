//! AFFY, what it reads; what it tracks is the ingest's.

pub(crate) mod status;
