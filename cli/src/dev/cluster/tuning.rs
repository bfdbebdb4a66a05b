//! What a cluster is told beyond a developer's settings. Which of it this machine can do is found out here.

use std::path::Path;

/// Where a server's libraries are, from the folder of its programs.
const LIBRARIES: [&str; 3] = ["lib", "lib/postgresql", "lib64"];

/// Settings that go over the usual ones.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Tuning {
    /// Such as `max_wal_size=8GB`, without blanks.
    pub(crate) settings: Vec<String>,
    /// A library of PostgreSQL's own extensions, loaded where it is installed.
    pub(crate) preload: Option<&'static str>,
}

impl Tuning {
    /// For this server program.
    pub(super) fn settings_for(&self, server: &Path) -> Vec<String> {
        let mut settings = self.settings.clone();
        if let Some(library) = self.preload
            && is_installed(server, library)
        {
            settings.push(format!("shared_preload_libraries={library}"));
        }
        settings
    }
}

fn is_installed(server: &Path, library: &str) -> bool {
    // Packages link their programs into PATH.
    let server = server.canonicalize().unwrap_or_else(|_| server.to_owned());
    let Some(base) = server.parent().and_then(Path::parent) else {
        return false;
    };
    let file = format!("{library}.so");
    LIBRARIES
        .iter()
        .any(|folder| base.join(folder).join(&file).is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_library_is_loaded_where_it_is() {
        let home = tempfile::tempdir().unwrap();
        let server = home.path().join("bin/postgres");
        let tuning = Tuning {
            settings: vec!["max_wal_size=8GB".to_owned()],
            preload: Some("counts"),
        };
        assert_eq!(tuning.settings_for(&server), ["max_wal_size=8GB"]);
        std::fs::create_dir_all(home.path().join("lib")).unwrap();
        std::fs::create_dir_all(home.path().join("bin")).unwrap();
        std::fs::write(home.path().join("lib/counts.so"), "").unwrap();
        std::fs::write(&server, "").unwrap();
        assert_eq!(
            tuning.settings_for(&server),
            ["max_wal_size=8GB", "shared_preload_libraries=counts"]
        );
    }
}
