//! A certificate authority of a test's own, and what it signs, as files.

use std::path::{Path, PathBuf};

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    KeyUsagePurpose, date_time_ymd,
};

/// The paths of a certificate and its key.
#[derive(Clone, Debug)]
pub struct Certificate {
    pub certificate: PathBuf,
    pub key: PathBuf,
}

/// Signs what it is asked to.
pub struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
    directory: PathBuf,
    name: String,
}

impl std::fmt::Debug for Authority {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Authority({})", self.name)
    }
}

impl Authority {
    /// Its files go to this directory, and begin with its name.
    pub fn new(name: &str, directory: &Path) -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        params.distinguished_name.push(DnType::CommonName, name);
        let issuer = CertifiedIssuer::self_signed(params, key()).expect("a CA signs itself");
        let authority = Self {
            issuer,
            directory: directory.to_owned(),
            name: name.to_owned(),
        };
        std::fs::write(authority.file(), authority.issuer.pem()).expect("a file for the CA");
        authority
    }

    /// The file with its own certificate.
    pub fn file(&self) -> PathBuf {
        self.directory.join(format!("{}.pem", self.name))
    }

    /// For a server or client of this name.
    pub fn sign(&self, name: &str) -> Certificate {
        self.signed(name, name, |_| {})
    }

    /// The same, which has expired.
    pub fn sign_expired(&self, name: &str) -> Certificate {
        self.signed(&format!("{name}-expired"), name, |params| {
            params.not_before = date_time_ymd(2020, 1, 1);
            params.not_after = date_time_ymd(2021, 1, 1);
        })
    }

    fn signed(&self, file: &str, name: &str, change: impl FnOnce(&mut CertificateParams)) -> Certificate {
        let mut params = CertificateParams::new(vec![name.to_owned()]).expect("a name");
        params.distinguished_name.push(DnType::CommonName, name);
        params.extended_key_usages = vec![
            ExtendedKeyUsagePurpose::ServerAuth,
            ExtendedKeyUsagePurpose::ClientAuth,
        ];
        change(&mut params);
        let key = key();
        let signed = params.signed_by(&key, &self.issuer).expect("a signature");
        let path = |what: &str| self.directory.join(format!("{}-{file}.{what}", self.name));
        let files = Certificate {
            certificate: path("crt"),
            key: path("key"),
        };
        std::fs::write(&files.certificate, signed.pem()).expect("a file for the certificate");
        std::fs::write(&files.key, key.serialize_pem()).expect("a file for the key");
        files
    }
}

fn key() -> KeyPair {
    KeyPair::generate().expect("a key")
}
