//! One thing that was looked at.

/// What was looked at, and how it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    /// A stable word.
    pub name: &'static str,
    /// What is well, or what is wrong and what to do.
    pub result: Result<String, String>,
}

impl Check {
    pub(super) fn well(name: &'static str, sentence: String) -> Self {
        Self {
            name,
            result: Ok(sentence),
        }
    }

    pub(super) fn wrong(name: &'static str, sentence: String) -> Self {
        Self {
            name,
            result: Err(sentence),
        }
    }
}
