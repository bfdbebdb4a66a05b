//! What a failed TLS handshake means to an operator: the reason in words, and what to do. Nothing here knows which server it was.

use std::{error::Error, io};

use rustls::{AlertDescription, CertificateError, Error as TlsError};

/// The reason of a failure, if TLS is its cause, and what to do about it.
pub fn tls_advice(failure: &(dyn Error + 'static)) -> Option<String> {
    let mut cause = Some(failure);
    while let Some(error) = cause {
        if let Some(error) = of_tls(error) {
            return Some(advice(error));
        }
        cause = error.source();
    }
    None
}

/// An I/O error has it inside, and does not name it as its source.
fn of_tls<'e>(error: &'e (dyn Error + 'static)) -> Option<&'e TlsError> {
    if let Some(io) = error.downcast_ref::<io::Error>() {
        let inner: &(dyn Error + 'static) = io.get_ref()?;
        return of_tls(inner);
    }
    error.downcast_ref()
}

fn advice(error: &TlsError) -> String {
    match error {
        TlsError::InvalidCertificate(reason) => of_its_certificate(reason),
        TlsError::AlertReceived(alert) => of_our_certificate(*alert),
        TlsError::InvalidMessage(_) => {
            "the server does not speak TLS on this port: check the port, or speak plain text to it".to_owned()
        }
        TlsError::InconsistentKeys(_) => {
            "the client's certificate and its key do not belong together: give the key that the certificate was made for"
                .to_owned()
        }
        other => other.to_string(),
    }
}

/// Why we do not believe the server.
fn of_its_certificate(reason: &CertificateError) -> String {
    match reason {
        CertificateError::NotValidForName => {
            "the server's certificate is for another name: connect by a name that is in it".to_owned()
        }
        CertificateError::NotValidForNameContext { expected, presented } => format!(
            "the server's certificate is not for {}, but for {}: connect by a name that is in it, or have one made for this name",
            expected.to_str(),
            presented.join(", ")
        ),
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            "the server's certificate has expired: renew it there, and check both clocks".to_owned()
        }
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            "the server's certificate is not valid yet: check both clocks".to_owned()
        }
        CertificateError::UnknownIssuer => {
            "the server's certificate is of a CA that is not trusted here: name the file with the CA's certificate".to_owned()
        }
        other => format!("the server's certificate is not usable: {other}"),
    }
}

/// Why the server does not believe us.
fn of_our_certificate(alert: AlertDescription) -> String {
    match alert {
        AlertDescription::CertificateRequired | AlertDescription::NoCertificate => {
            "the server wants a client's certificate: give one, with its key".to_owned()
        }
        AlertDescription::UnknownCA
        | AlertDescription::BadCertificate
        | AlertDescription::CertificateExpired
        | AlertDescription::CertificateRevoked
        | AlertDescription::CertificateUnknown
        | AlertDescription::AccessDenied
        | AlertDescription::DecryptError => format!(
            "the server does not accept the client's certificate ({alert:?}): give one of the CA that the server trusts"
        ),
        AlertDescription::HandshakeFailure => {
            "the server broke the handshake off: it may want a client's certificate, or other versions of TLS"
                .to_owned()
        }
        other => format!("the server broke TLS off: {other:?}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reason_is_found_wherever_it_is_wrapped() {
        let refused = || TlsError::InvalidCertificate(CertificateError::UnknownIssuer);
        let wrapped = io::Error::new(io::ErrorKind::InvalidData, refused());
        let twice = io::Error::other(wrapped);
        for error in [&refused() as &(dyn Error + 'static), &twice] {
            assert!(tls_advice(error).unwrap().contains("name the file"), "{error}");
        }
        assert_eq!(
            tls_advice(&io::Error::from(io::ErrorKind::ConnectionRefused)),
            None
        );
    }

    #[test]
    fn whoever_wants_a_certificate_of_ours_is_named_as_such() {
        for (alert, part) in [
            (AlertDescription::CertificateRequired, "give one, with its key"),
            (AlertDescription::UnknownCA, "of the CA that the server trusts"),
            (
                AlertDescription::HandshakeFailure,
                "may want a client's certificate",
            ),
            (AlertDescription::ProtocolVersion, "ProtocolVersion"),
        ] {
            let said = tls_advice(&TlsError::AlertReceived(alert)).unwrap();
            assert!(said.contains(part), "{said}");
        }
    }
}
