//! On whose behalf a command changes something: the audit trail names them.

/// Who acts.
#[derive(Debug, clap::Args)]
pub(crate) struct Acting {
    /// Your name in the audit trail
    #[arg(
        long = "as",
        id = "as",
        env = "USER",
        default_value = "operator",
        value_name = "NAME"
    )]
    pub(crate) name: String,
}
