//! A body of `multipart/form-data`, as some HTTP libraries send forms: its fields, without files.

use bytes::Bytes;
use encoding_rs::Encoding;
use futures_util::{FutureExt, stream};
use multer::Multipart;

use super::{Invalid, charset, form, value::Sent};

/// Whether a body begins like one, whatever the header says.
pub(super) fn looks_like_multipart(text: &str) -> bool {
    let is_head = |line: &str| line.to_ascii_lowercase().starts_with("content-disposition:");
    text.starts_with("--") && text.lines().take(4).any(is_head)
}

/// # Errors
/// When it is cut off or has too many fields.
pub(super) fn parse(body: Bytes, declared: &'static Encoding) -> Result<Sent, Invalid> {
    let malformed = |why: &str| Invalid::new(format!("malformed multipart/form-data: {why}"));
    let first = body
        .split(|byte| *byte == b'\n')
        .next()
        .unwrap_or_default()
        .trim_ascii();
    let boundary = std::str::from_utf8(first)
        .ok()
        .and_then(|first| first.strip_prefix("--"));
    let boundary = boundary
        .ok_or_else(|| malformed("it begins with no boundary"))?
        .to_owned();
    let chunks = stream::once(std::future::ready(Ok::<_, std::convert::Infallible>(body)));
    // All of it is there: nothing is waited for.
    let fields = fields(Multipart::new(chunks, boundary), declared).now_or_never();
    let fields = fields.unwrap_or(Err(multer::Error::IncompleteStream));
    form::named_values(fields.map_err(|error| malformed(&error.to_string()))?.into_iter())
}

async fn fields(
    mut body: Multipart<'_>,
    declared: &'static Encoding,
) -> multer::Result<Vec<(String, String)>> {
    let mut fields = Vec::new();
    while let Some(field) = body.next_field().await? {
        let (name, is_file) = (field.name().map(str::to_owned), field.file_name().is_some());
        let bytes = field.bytes().await?;
        if let (Some(name), false) = (name, is_file) {
            fields.push((name, charset::text_of(&bytes, declared).into_owned()));
        }
    }
    Ok(fields)
}

#[cfg(test)]
mod tests {
    use encoding_rs::{UTF_8, WINDOWS_1252};
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn its_fields_are_read() {
        let body = "--b-1\r\nContent-Disposition: form-data; name=\"external_id\"\r\n\r\nX\r\n--b-1\r\n\
                    content-disposition: form-data; name=\"meta_data[k]\"\r\nContent-Type: text/plain\r\n\r\na\r\nb\r\n--b-1\r\n\
                    Content-Disposition: form-data; name=\"f\"; filename=\"f.txt\"\r\n\r\nfile\r\n--b-1--\r\n";
        assert!(looks_like_multipart(body) && !looks_like_multipart("--a=1") && !looks_like_multipart("a=1"));
        let sent = parse(Bytes::from_static(body.as_bytes()), UTF_8).unwrap();
        assert_eq!(
            Value::Object(sent.values),
            json!({"external_id": "X", "meta_data": {"k": "a\r\nb"}})
        );
        let cut = body.split_at(60).0.to_owned();
        let refused = parse(cut.into(), UTF_8).unwrap_err();
        assert!(
            refused.0.starts_with("malformed multipart/form-data"),
            "{refused}"
        );
        let latin = b"--b\r\nContent-Disposition: form-data; name=\"n\"\r\n\r\nJos\xe9\r\n--b--\r\n";
        let sent = parse(Bytes::from_static(latin), WINDOWS_1252).unwrap();
        assert_eq!(sent.values["n"], "José");
    }
}
