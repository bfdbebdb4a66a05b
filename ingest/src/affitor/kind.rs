//! What the calls are, and which names their fields have.

/// What a path asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Call {
    Click,
    Lead,
    Sale,
    Refund,
}

/// Which names the fields have: those of the older paths are taken beside today's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Names {
    Current,
    Legacy,
}
