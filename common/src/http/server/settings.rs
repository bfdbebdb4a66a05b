//! What an operator says of the server.

use std::fs;

use super::limits::{Limits, MAX_CLIENT_CONNECTIONS, MAX_CONNECTIONS};
use super::proxies::TrustedProxies;

/// Files that a process needs beside its connections: the database's and the broker's, logs, the listener.
const OTHER_FILES: usize = 128;

/// Who may connect, and how often.
#[derive(Clone, Debug, clap::Args)]
pub struct HttpArgs {
    /// Proxies in front, as addresses and networks with commas between. Their X-Forwarded-For or Forwarded says whose request it is
    /// and whether it came by https, and their connections are not limited by --max-client-connections.
    #[arg(
        long,
        env = "COMMISSARY_TRUSTED_PROXIES",
        default_value = "",
        hide_default_value = true,
        value_name = "NETWORKS"
    )]
    trusted_proxies: TrustedProxies,

    /// Connections at once.
    #[arg(
        long,
        env = "COMMISSARY_MAX_CONNECTIONS",
        default_value_t = MAX_CONNECTIONS,
        value_name = "N"
    )]
    max_connections: usize,

    /// Connections of one client at once (IPv6: of one /64).
    #[arg(
        long,
        env = "COMMISSARY_MAX_CLIENT_CONNECTIONS",
        default_value_t = MAX_CLIENT_CONNECTIONS,
        value_name = "N"
    )]
    max_client_connections: usize,
}

impl HttpArgs {
    /// The limits of a server. More connections than the process may have open files are not accepted, since there would be none
    /// left for the database.
    pub fn limits(&self) -> Limits {
        let mut connections = self.max_connections;
        if let Some(files) = fs::read_to_string("/proc/self/limits")
            .ok()
            .and_then(|limits| open_files(&limits))
        {
            let most = files.saturating_sub(OTHER_FILES).max(files / 2);
            if connections > most {
                tracing::warn!(
                    files,
                    connections = most,
                    "the process may have so few open files (ulimit -n): fewer connections are accepted"
                );
                connections = most;
            }
        }
        Limits {
            connections,
            client_connections: self.max_client_connections,
            trusted: self.trusted_proxies.clone(),
            ..Limits::default()
        }
    }
}

/// The soft limit of open files, of what Linux says of a process. `None`: it has none.
fn open_files(limits: &str) -> Option<usize> {
    let line = limits
        .lines()
        .find_map(|line| line.strip_prefix("Max open files"))?;
    line.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn open_files_are_read_as_linux_tells_them() {
        let told = "Limit                     Soft Limit           Hard Limit           Units     \n\
                    Max processes             127234               127234               processes \n\
                    Max open files            1024                 524288               files     \n";
        assert_eq!(open_files(told), Some(1024));
        assert_eq!(
            open_files("Max open files            unlimited            unlimited            files"),
            None
        );
    }
}
