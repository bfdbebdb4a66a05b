//! Rows that a quote has swallowed: one that is not closed in its row, but by another quote further down, is a cell in good order
//! for every reader of tables.

use super::header::{Header, IDENTIFYING};

/// Whether a cell of the row has line breaks, and a line of it, as it stands in the file, would be a row: as many cells as the
/// header has columns, and an id among them.
pub(super) fn swallows_rows(cells: &[Vec<u8>], delimiter: u8, header: &Header) -> bool {
    let joined = cells.join(&delimiter);
    let mut lines = joined.split(|byte| matches!(byte, b'\r' | b'\n'));
    // What begins with the row itself is no other row.
    lines.next();
    lines.any(|line| is_row(line, delimiter, header))
}

fn is_row(line: &[u8], delimiter: u8, header: &Header) -> bool {
    let cells: Vec<&[u8]> = line.split(|byte| *byte == delimiter).collect();
    let is_id = |(name, cell): (&Option<String>, &&[u8])| {
        let is_identifying = name.as_deref().is_some_and(|name| IDENTIFYING.contains(&name));
        is_identifying && !cell.trim_ascii().is_empty()
    };
    cells.len() == header.fields.len() && header.fields.iter().zip(&cells).any(is_id)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn swallows(names: &[&str], cells: &[&str]) -> bool {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let header = super::super::header::read(&names, false).unwrap();
        let cells: Vec<Vec<u8>> = cells.iter().map(|cell| cell.as_bytes().to_vec()).collect();
        swallows_rows(&cells, b',', &header)
    }

    #[test]
    fn rows_in_a_cell_are_seen() {
        let columns = ["external_id", "coupon", "amount"];
        for cells in [
            ["o1", "JANE,10\no2,JANE", "10"],
            ["o1", "JANE,10\r\no2,JANE,10\r\no3,JANE", "10"],
            ["o1", "JANE,10\no2,JANE,10\n", "10"],
            ["o1\ro2,JANE,10\ro3", "JANE", "10"],
            ["o1", "JANE", "10\no2,JANE,10"],
            ["o1", "JANE,10\no2,BOB", "10,x\no3,BOB,10"],
        ] {
            assert!(swallows(&columns, &cells), "{cells:?}");
        }
    }

    #[test]
    fn what_people_write_is_no_row() {
        let columns = ["external_id", "coupon", "amount", "meta_data.note"];
        for note in [
            "Hello,\nplease ring",
            "a\n\nb",
            "Main St 1\nBerlin, Germany",
            "x\n,,,",
            "one",
        ] {
            assert!(!swallows(&columns, &["o1", "JANE", "10", note]), "{note}");
        }
    }
}
