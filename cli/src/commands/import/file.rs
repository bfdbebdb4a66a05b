//! What makes a file this import and no other.

use std::io::Read as _;

use anyhow::Context as _;
use sha2::{Digest as _, Sha256};

use super::reading::Reading;

/// Imports remember how many records they have done. This number is another whenever a file's records are counted in another
/// way, so that an interrupted import begins anew instead of going on at the wrong record.
const COUNTING: u32 = 2;

/// Of the file's text, how it is read, and the program that it goes to. The same text packed or in another encoding is the same.
///
/// # Errors
/// When the file cannot be read to its end.
pub(super) fn fingerprint(reading: &Reading, program: Option<&str>) -> anyhow::Result<String> {
    let mut source = reading.source()?;
    let format = reading.format;
    let timezone = reading.timezone.map_or("", |timezone| timezone.name());
    let program = program.unwrap_or_default();
    let mut hash = Sha256::new_with_prefix(format!("{COUNTING}\n{format:?}\n{timezone}\n{program}\n"));
    let mut buffer = vec![0; 1024 * 1024];
    loop {
        let read = source.read(&mut buffer);
        let read = read.with_context(|| format!("reading {}", reading.path.display()))?;
        let Some(chunk) = buffer.get(..read).filter(|chunk| !chunk.is_empty()) else {
            return Ok(hex::encode(hash.finalize()));
        };
        hash.update(chunk);
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::commands::import::format::Format;

    #[test]
    fn the_same_text_read_in_another_way_is_another_import() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("orders");
        let text = "\u{feff}external_id,coupon\n";
        fs::write(&file, text).unwrap();
        let packed = directory.path().join("packed");
        let utf16: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
        fs::write(&packed, utf16).unwrap();
        let reading = |format| Reading::of(&file, format);
        let of = |reading: &Reading, program| fingerprint(reading, program).unwrap();
        let csv = of(&reading(Format::Csv), None);
        assert_eq!(csv, of(&reading(Format::Csv), None));
        assert_eq!(csv, of(&Reading::of(&packed, Format::Csv), None));
        assert_ne!(csv, of(&reading(Format::Ndjson), None));
        assert_ne!(csv, of(&reading(Format::Csv), Some("p")));
        let berlin = Reading {
            timezone: Some("Europe/Berlin".parse().unwrap()),
            ..reading(Format::Csv)
        };
        assert_ne!(csv, of(&berlin, None));
    }
}
