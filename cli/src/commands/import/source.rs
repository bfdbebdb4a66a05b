//! The file as UTF-8, whatever it is packed and written in: gzip is told by its first bytes and not by its name, UTF-16 by its
//! mark or its zeros. It is read as a stream; everything else counts positions in what comes out here.

use std::{
    fs::{self, File},
    io::{self, BufReader, Cursor, Read},
    ops::Range,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use anyhow::{Context as _, bail};
use encoding_rs::{Decoder, Encoding, UTF_8, UTF_16BE, UTF_16LE};
use flate2::read::MultiGzDecoder;

/// Bytes that are looked at to tell what a file is: a tar archive says so at byte 257.
const HEAD: u64 = 512;
const BUFFER: usize = 64 * 1024;

const GZIP: &[u8] = &[0x1f, 0x8b];
/// Files that are often taken for a table, by their first bytes.
const OTHERS: [(&[u8], &str); 9] = [
    (
        b"PK\x03\x04",
        "an Excel workbook or a zip archive: save the sheet as CSV, or unpack it",
    ),
    (
        b"\xd0\xcf\x11\xe0",
        "an old Excel workbook: save the sheet as CSV",
    ),
    (b"%PDF", "a PDF"),
    (b"{\\rtf", "a document in rich text: save it as plain text"),
    (b"<", "HTML or XML: export it as CSV"),
    (b"BZh", "packed with bzip2: unpack it, or pack it with gzip"),
    (b"\xfd7zXZ", "packed with xz: unpack it, or pack it with gzip"),
    (
        b"\x28\xb5\x2f\xfd",
        "packed with zstd: unpack it, or pack it with gzip",
    ),
    (b"\xff\xfe\0\0", "written in UTF-32: save it as UTF-8"),
];

/// A file as a stream of UTF-8, or of what claims to be.
pub(super) struct Source {
    text: Box<dyn Read + Send>,
    read: Arc<AtomicU64>,
}

impl Source {
    /// Opens a regular file. What can be read only once, such as a pipe, could not go on after it was stopped. Without an
    /// `encoding` it is UTF-16 where it looks so, and UTF-8 otherwise.
    ///
    /// # Errors
    /// When it is no regular file, cannot be read, or is something else than text.
    pub(super) fn open(path: &Path, encoding: Option<&'static Encoding>) -> anyhow::Result<Self> {
        let name = path.display();
        let found = fs::metadata(path).with_context(|| format!("cannot read {name}"))?;
        if !found.is_file() {
            bail!(
                "{name} is no regular file: write it to one first, so that an import that is stopped can go on"
            );
        }
        let file = File::open(path).with_context(|| format!("cannot read {name}"))?;
        let read = Arc::new(AtomicU64::new(0));
        let counted = Counted {
            file,
            read: Arc::clone(&read),
        };
        let unpacked = unpacked(counted).with_context(|| format!("cannot read {name}"))?;
        let (head, unpacked) = with_head(unpacked).with_context(|| format!("cannot read {name}"))?;
        if let Some((_, what)) = OTHERS.iter().find(|(magic, _)| begins(&head, magic)) {
            bail!("{name} is {what}");
        }
        if head.get(257..262) == Some(b"ustar") {
            bail!("{name} is a tar archive: unpack it");
        }
        let text: Box<dyn Read + Send> = match encoding_of(&head).or(encoding) {
            Some(encoding) if encoding != UTF_8 => Box::new(Decoded::new(unpacked, encoding)),
            _ => unpacked,
        };
        Ok(Self { text, read })
    }

    /// Bytes of the file, packed as it is, that have been read so far.
    pub(super) fn progress(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.read)
    }
}

impl Read for Source {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.text.read(buffer)
    }
}

impl std::fmt::Debug for Source {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Source").finish_non_exhaustive()
    }
}

/// A packed stream may be followed by others, as `cat a.gz b.gz` writes them.
fn unpacked(file: Counted) -> io::Result<Box<dyn Read + Send>> {
    let (head, file) = with_head(file)?;
    Ok(if head.starts_with(GZIP) {
        Box::new(Unpacked(MultiGzDecoder::new(file)))
    } else {
        file
    })
}

/// The first bytes, and all of it once more.
fn with_head(mut reader: impl Read + Send + 'static) -> io::Result<(Vec<u8>, Box<dyn Read + Send>)> {
    let mut head = Vec::new();
    reader.by_ref().take(HEAD).read_to_end(&mut head)?;
    let all = Cursor::new(head.clone()).chain(reader);
    Ok((head, Box::new(BufReader::with_capacity(BUFFER, all))))
}

fn begins(head: &[u8], magic: &[u8]) -> bool {
    let text = head.strip_prefix("\u{feff}".as_bytes()).unwrap_or(head);
    text.starts_with(magic)
}

/// What the first bytes say; `None` of UTF-8 without a mark and of everything else.
fn encoding_of(head: &[u8]) -> Option<&'static Encoding> {
    match head {
        [0xef, 0xbb, 0xbf, ..] => Some(UTF_8),
        // Names of columns and JSON begin with letters and signs of ASCII.
        [0xff, 0xfe, ..] | [1..=0x7f, 0, 1..=0x7f, 0, ..] => Some(UTF_16LE),
        [0xfe, 0xff, ..] | [0, 1..=0x7f, 0, 1..=0x7f, ..] => Some(UTF_16BE),
        _ => None,
    }
}

struct Counted {
    file: File,
    read: Arc<AtomicU64>,
}

impl Read for Counted {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.file.read(buffer)?;
        let more = u64::try_from(count).unwrap_or(u64::MAX);
        self.read.fetch_add(more, Ordering::Relaxed);
        Ok(count)
    }
}

/// Says of what cannot be unpacked that it is so.
struct Unpacked<R>(MultiGzDecoder<R>);

impl<R: Read> Read for Unpacked<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.0.read(buffer);
        read.map_err(|error| {
            if error.kind() == io::ErrorKind::Interrupted {
                return error;
            }
            let what = format!("what gzip has packed is cut off or damaged ({error})");
            io::Error::new(error.kind(), what)
        })
    }
}

/// Another encoding as UTF-8. What it cannot mean becomes U+FFFD.
struct Decoded<R> {
    reader: R,
    decoder: Decoder,
    encoded: Vec<u8>,
    /// Of `encoded`: what is not decoded yet.
    left: Range<usize>,
    text: Vec<u8>,
    /// Of `text`: what is not read yet.
    ready: Range<usize>,
    is_last: bool,
}

impl<R: Read> Decoded<R> {
    fn new(reader: R, encoding: &'static Encoding) -> Self {
        Self {
            reader,
            // The mark stays, as it does in UTF-8: the same text is the same import.
            decoder: encoding.new_decoder_without_bom_handling(),
            encoded: vec![0; BUFFER],
            left: 0..0,
            text: vec![0; BUFFER],
            ready: 0..0,
            is_last: false,
        }
    }

    /// Decodes more, unless that was all.
    fn fill(&mut self) -> io::Result<()> {
        while self.ready.is_empty() {
            if self.left.is_empty() {
                if self.is_last {
                    return Ok(());
                }
                let count = self.reader.read(&mut self.encoded)?;
                self.left = 0..count;
                self.is_last = count == 0;
            }
            let left = self.encoded.get(self.left.clone()).unwrap_or_default();
            let (_, read, written, _) = self.decoder.decode_to_utf8(left, &mut self.text, self.is_last);
            self.left.start += read;
            self.ready = 0..written;
        }
        Ok(())
    }
}

impl<R: Read> Read for Decoded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.fill()?;
        let mut ready = self.text.get(self.ready.clone()).unwrap_or_default();
        let count = ready.read(buffer)?;
        self.ready.start += count;
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use flate2::{Compression, write::GzEncoder};

    use super::*;

    fn open(content: &[u8], encoding: Option<&'static Encoding>) -> Result<String, String> {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("orders");
        fs::write(&file, content).unwrap();
        let said = |error: anyhow::Error| format!("{error:#}");
        let mut source = Source::open(&file, encoding).map_err(said)?;
        let mut text = Vec::new();
        source.read_to_end(&mut text).map_err(|error| error.to_string())?;
        Ok(String::from_utf8(text).unwrap())
    }

    fn gzip(content: &[u8]) -> Vec<u8> {
        let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
        packed.write_all(content).unwrap();
        packed.finish().unwrap()
    }

    fn utf16(text: &str, bytes: fn(u16) -> [u8; 2]) -> Vec<u8> {
        text.encode_utf16().flat_map(bytes).collect()
    }

    #[test]
    fn one_text_in_all_clothes() {
        let text = "\u{feff}external_id,coupon\r\nK\u{f6}ln-\u{1f600},C\r\n".repeat(4_000);
        let bare = text.trim_start_matches('\u{feff}');
        for (content, want) in [
            (text.clone().into_bytes(), text.as_str()),
            (gzip(text.as_bytes()), &text),
            ([gzip(text.as_bytes()), gzip(b"x")].concat(), &format!("{text}x")),
            (utf16(&text, u16::to_le_bytes), &text),
            (utf16(&text, u16::to_be_bytes), &text),
            (gzip(&utf16(&text, u16::to_be_bytes)), &text),
            (utf16(bare, u16::to_le_bytes), bare),
            (utf16(bare, u16::to_be_bytes), bare),
            (b"[{".to_vec(), "[{"),
            (Vec::new(), ""),
        ] {
            let read = open(&content, None).unwrap();
            assert!(read == want, "{:?}", content.get(..8));
        }
        let mut odd = utf16("ab", u16::to_le_bytes);
        odd.extend(b"\x3d\xd8x");
        assert_eq!(
            open(&odd, None).unwrap(),
            "ab\u{fffd}",
            "half a character and half a unit"
        );
        assert_eq!(
            open(b"K\xf6ln", Some(encoding_rs::WINDOWS_1252)).unwrap(),
            "K\u{f6}ln"
        );
    }

    #[test]
    fn what_is_no_text_is_named() {
        let mut tar = vec![0; 600];
        tar[0] = b'a';
        tar[257..262].copy_from_slice(b"ustar");
        for (content, want) in [
            (b"PK\x03\x04rest".to_vec(), "an Excel workbook or a zip archive"),
            (b"\xd0\xcf\x11\xe0\xa1".to_vec(), "an old Excel workbook"),
            (b"<html>".to_vec(), "HTML"),
            (b"\x28\xb5\x2f\xfd".to_vec(), "zstd"),
            (b"\xff\xfe\0\0a\0\0\0".to_vec(), "UTF-32"),
            (gzip(&tar), "a tar archive"),
            (gzip(b"PK\x03\x04"), "zip"),
        ] {
            let refused = open(&content, None).unwrap_err();
            assert!(refused.contains(want), "{refused}");
        }
        let packed = gzip("external_id,coupon\n".repeat(1_000).as_bytes());
        let cut = open(&packed[..packed.len() - 10], None).unwrap_err();
        assert!(cut.contains("cut off or damaged"), "{cut}");
        let damaged = open(b"\x1f\x8bnonsense", None).unwrap_err();
        assert!(damaged.contains("cut off or damaged"), "{damaged}");
    }

    #[test]
    fn what_can_be_read_once_only_is_no_file_to_import() {
        let directory = tempfile::tempdir().unwrap();
        for path in [directory.path(), Path::new("/dev/null")] {
            let refused = Source::open(path, None).unwrap_err().to_string();
            assert!(refused.contains("no regular file"), "{refused}");
        }
    }
}
