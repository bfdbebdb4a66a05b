//! Groups of configuration that several roles share; clap reads them from flags and environment, once.

use std::path::PathBuf;

use secrecy::SecretString;

/// Where the database is.
#[derive(Clone, Debug, clap::Args)]
pub struct DbArgs {
    /// PostgreSQL 15 or later, as `postgres://user:password@host/database`. Over a network add
    /// `?sslmode=verify-full&sslrootcert=FILE` with the CA's certificate, and where the server wants the client's, too,
    /// `&sslcert=FILE&sslkey=FILE`.
    #[arg(long, env = "DATABASE_URL", hide_env_values = true, value_name = "URL")]
    pub database_url: SecretString,
}

/// Where the broker is, if there is one.
#[derive(Clone, Debug, clap::Args)]
pub struct AmqpArgs {
    /// RabbitMQ 3.10 or later, as `amqp://user:password@host/vhost`, or `amqps://` for TLS. Without it events pass through the
    /// Postgres spool.
    #[arg(long, env = "AMQP_URL", hide_env_values = true, value_name = "URL")]
    pub amqp_url: Option<SecretString>,

    /// The certificates of the CA that signed the broker's, as PEM, for `amqps://`: it alone is trusted. Without it the system's
    /// CAs are.
    #[arg(long, env = "COMMISSARY_AMQP_CA_FILE", value_name = "FILE")]
    pub amqp_ca_file: Option<PathBuf>,

    /// The certificate by which a broker that asks for one knows this client, as PEM, with those between it and its CA. Read anew
    /// for each connection, as the other two.
    #[arg(
        long,
        env = "COMMISSARY_AMQP_CERT_FILE",
        requires = "amqp_key_file",
        value_name = "FILE"
    )]
    pub amqp_cert_file: Option<PathBuf>,

    /// The private key of that certificate, as PEM.
    #[arg(
        long,
        env = "COMMISSARY_AMQP_KEY_FILE",
        requires = "amqp_cert_file",
        value_name = "FILE"
    )]
    pub amqp_key_file: Option<PathBuf>,

    /// Prefix of the names of queues and exchanges, so that installations can share a broker.
    #[arg(
        long,
        env = "COMMISSARY_AMQP_PREFIX",
        default_value = "commissary",
        value_name = "PREFIX"
    )]
    pub amqp_prefix: String,
}
