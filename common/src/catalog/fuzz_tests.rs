use super::*;
use crate::fuzzing::fuzz;

/// The tables of the demo world, and all of it.
fn good() -> Vec<Vec<u8>> {
    let mut good: Vec<Vec<u8>> = DEMO
        .split("\n\n")
        .map(|table| table.as_bytes().to_vec())
        .collect();
    good.push(DEMO.as_bytes().to_vec());
    let quotas = "[orgs.demo]\nevents_per_minute = 60_000\nclear = ['client_id']\nkeys.k = { key_sha256 = '00', hint = 'x' }\n";
    good.push(quotas.as_bytes().to_vec());
    good
}

#[test]
fn whatever_is_in_a_file_is_a_catalog_or_has_mistakes() {
    fuzz(&good(), |bytes| {
        let text = String::from_utf8_lossy(bytes);
        match parse(&text) {
            Ok(_) => {}
            Err(error) => {
                assert!(!error.problems.is_empty());
                assert!(!error.to_string().is_empty());
            }
        }
    });
}
