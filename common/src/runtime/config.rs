//! Groups of configuration that several roles share; clap reads them from flags and environment, once.

use secrecy::SecretString;

/// Where the database is.
#[derive(Clone, Debug, clap::Args)]
pub struct DbArgs {
    /// PostgreSQL 15 or later, as `postgres://user:password@host/database`.
    #[arg(long, env = "DATABASE_URL", hide_env_values = true, value_name = "URL")]
    pub database_url: SecretString,
}

/// Where the broker is, if there is one.
#[derive(Clone, Debug, clap::Args)]
pub struct AmqpArgs {
    /// RabbitMQ 3.10 or later, as `amqp://user:password@host/vhost`. Without it events pass through the Postgres spool.
    #[arg(long, env = "AMQP_URL", hide_env_values = true, value_name = "URL")]
    pub amqp_url: Option<SecretString>,

    /// Prefix of the names of queues and exchanges, so that installations can share a broker.
    #[arg(
        long,
        env = "COMMISSARY_AMQP_PREFIX",
        default_value = "commissary",
        value_name = "PREFIX"
    )]
    pub amqp_prefix: String,
}
