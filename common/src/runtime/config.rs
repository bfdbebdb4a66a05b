//! Groups of configuration that several roles share; clap reads them from flags and environment, once.

use std::{convert::Infallible, fmt, str::FromStr};

/// A value that is never printed: connection strings and keys.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    pub fn new(value: impl Into<String>) -> Self {
        Self(value.into())
    }

    /// The value itself, for whoever connects with it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[secret]")
    }
}

impl FromStr for Secret {
    type Err = Infallible;
    fn from_str(value: &str) -> Result<Self, Infallible> {
        Ok(Self::new(value))
    }
}

/// Where the database is.
#[derive(Clone, Debug, clap::Args)]
pub struct DbArgs {
    /// PostgreSQL 15 or later, as `postgres://user:password@host/database`.
    #[arg(long, env = "DATABASE_URL", hide_env_values = true, value_name = "URL")]
    pub database_url: Secret,
}

/// Where the broker is, if there is one.
#[derive(Clone, Debug, clap::Args)]
pub struct AmqpArgs {
    /// RabbitMQ 3.10 or later, as `amqp://user:password@host/vhost`. Without it events pass through the Postgres spool.
    #[arg(long, env = "AMQP_URL", hide_env_values = true, value_name = "URL")]
    pub amqp_url: Option<Secret>,

    /// Prefix of the names of queues and exchanges, so that installations can share a broker.
    #[arg(
        long,
        env = "COMMISSARY_AMQP_PREFIX",
        default_value = "commissary",
        value_name = "PREFIX"
    )]
    pub amqp_prefix: String,
}
