//! One thing that the doctor looks at.

pub(super) struct Check {
    pub(super) name: &'static str,
    /// What is well, or what is wrong.
    pub(super) result: Result<String, String>,
}
