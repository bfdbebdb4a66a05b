//! A small GeoIP file for tests, written as the format's description says (MaxMind DB, version 2.0): a search tree of 24-bit
//! records, 16 zeros, the data, a marker and the metadata.

use std::net::Ipv4Addr;

/// Records of the tree that lead nowhere yet, to a node, or to data.
#[derive(Clone, Copy)]
enum Record {
    Nothing,
    Node(usize),
    Data(usize),
}

/// Addresses of countries. Kosovo has a code that ISO has not given, the last one has no name.
pub(crate) fn countries() -> Vec<u8> {
    networks(
        "Example-Country",
        &[
            ("8.8.8.0", 24, "US", "United States"),
            ("81.2.0.0", 16, "GB", "United Kingdom"),
            ("46.99.0.0", 16, "XK", "Kosovo"),
            ("145.0.0.0", 8, "NL", ""),
        ],
    )
}

/// A file of the type `kind` with networks: address, bits, code and name of the country.
pub(crate) fn networks(kind: &str, networks: &[(&str, usize, &str, &str)]) -> Vec<u8> {
    let (mut tree, mut data) = (vec![[Record::Nothing; 2]], Vec::new());
    for (address, bits, code, name) in networks {
        let address: Ipv4Addr = address.parse().unwrap();
        insert(&mut tree, u32::from(address), *bits, Record::Data(data.len()));
        let mut country = vec![("iso_code", text(code))];
        if !name.is_empty() {
            country.push(("names", map(&[("en", text(name))])));
        }
        data.extend(map(&[("country", map(&country))]));
    }
    let mut file = Vec::new();
    for record in tree.iter().flatten() {
        let value = match record {
            Record::Nothing => tree.len(),
            Record::Node(node) => *node,
            Record::Data(offset) => tree.len() + 16 + offset,
        };
        file.extend(&u32::try_from(value).unwrap().to_be_bytes()[1..]);
    }
    file.extend([0; 16]);
    file.extend(data);
    file.extend(b"\xab\xcd\xefMaxMind.com");
    file.extend(map(&[
        ("binary_format_major_version", number(5, 2)),
        ("binary_format_minor_version", number(5, 0)),
        ("build_epoch", number(9, 1_790_000_000)),
        ("database_type", text(kind)),
        ("description", map(&[("en", text("for tests"))])),
        ("ip_version", number(5, 4)),
        ("languages", vec![0, 4]),
        ("node_count", number(6, u32::try_from(tree.len()).unwrap())),
        ("record_size", number(5, 24)),
    ]));
    file
}

fn insert(tree: &mut Vec<[Record; 2]>, address: u32, bits: usize, data: Record) {
    let mut node = 0;
    for depth in 0..bits {
        let side = usize::try_from(address >> (31 - depth) & 1).unwrap();
        if depth + 1 == bits {
            tree[node][side] = data;
        } else if let Record::Node(next) = tree[node][side] {
            node = next;
        } else {
            tree.push([Record::Nothing; 2]);
            let next = tree.len() - 1;
            tree[node][side] = Record::Node(next);
            node = next;
        }
    }
}

/// A kind and a size; from 8 on the kind has a byte of its own.
fn head(kind: u8, size: usize) -> Vec<u8> {
    let size = u8::try_from(size).unwrap();
    assert!(size < 29, "longer ones are written otherwise");
    if kind < 8 {
        vec![kind << 5 | size]
    } else {
        vec![size, kind - 7]
    }
}

fn text(text: &str) -> Vec<u8> {
    [head(2, text.len()), text.as_bytes().to_vec()].concat()
}

fn number(kind: u8, number: u32) -> Vec<u8> {
    let bytes = number.to_be_bytes();
    let bytes: Vec<u8> = bytes.into_iter().skip_while(|byte| *byte == 0).collect();
    [head(kind, bytes.len()), bytes].concat()
}

fn map(entries: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let mut all = head(7, entries.len());
    for (name, value) in entries {
        all.extend(text(name));
        all.extend(value);
    }
    all
}
