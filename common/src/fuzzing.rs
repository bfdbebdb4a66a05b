//! Mutations of good inputs, thrown at whatever reads what strangers send: for tests named `fuzz`, which `scripts/fuzz` runs for a
//! minute each.
//!
//! A failure prints the seed, with which the same cases come again, and the smallest input that fails.

#![expect(clippy::panic, reason = "a case that fails ends its test")]

use std::{
    fs,
    time::{Duration, Instant},
};

use proptest::{
    collection::vec,
    prelude::*,
    test_runner::{Config, RngAlgorithm, TestCaseError, TestError, TestRng, TestRunner},
};

/// Seconds that each target is fuzzed for.
const SECONDS: &str = "COMMISSARY_FUZZ_SECONDS";
/// A number from an earlier failure.
const SEED: &str = "COMMISSARY_FUZZ_SEED";
/// Without [`SECONDS`]: as long as a unit test may take.
const SHORT: Duration = Duration::from_millis(500);
/// Cases between two looks at the time.
const ROUND: u32 = 64;
/// Mutations of an input, at most.
const MUTATIONS: usize = 6;
/// Bytes of an input, at most: more than anything takes at once.
const MAX_BYTES: usize = 300 * 1024;
/// Processor time of one case, at most, unoptimised.
const MAX_CASE: Duration = Duration::from_secs(2);
/// How far the memory of a process may grow while a target is fuzzed: its own, and so many times the largest input.
const MAX_GROWTH_KIB: u64 = 96 * 1024;

/// What readers have stumbled over.
const TOKENS: &[&[u8]] = &[
    b"\0",
    b"\xff\xfe",
    b"\xc0\x80",
    b"\xed\xa0\x80",
    b"\xef\xbb\xbf",
    "\u{200b}".as_bytes(),
    "\u{202e}".as_bytes(),
    b"\"",
    b"'",
    b"\\",
    b"\r\n",
    b"\n",
    b"\t",
    b",",
    b";",
    b"&",
    b"=",
    b"+",
    b"%",
    b"%00",
    b"%ff",
    b"%u0041",
    b"%25",
    b"[",
    b"]",
    b"[]",
    b"[a][b][c]",
    b"{",
    b"}",
    b"{order_id}",
    b"[[order]]",
    b"${x}",
    b"\\u0000",
    b"\\ud800",
    b"\\udc00",
    b"null",
    b"true",
    b"undefined",
    b"NaN",
    b"Infinity",
    b"-0",
    b"0",
    b"1e999",
    b"1e-999",
    b"-1",
    b"0x10",
    b"1,5",
    b"1.234.567,89",
    b"99999999999999999999999999999999",
    b"0.0000000000000000000000000001",
    b"2026-02-30",
    b"9999-12-31T23:59:60Z",
    b"-9223372036854775808",
    b"$serde_json::private::Number",
    b"$serde_json::private::RawValue",
    b"charset=utf-16",
    b"charset=utf-7",
    b"charset=",
    b"multipart/form-data; boundary=b",
    b"--b\r\n",
    b"--b--\r\n",
    b"Content-Disposition: form-data; name=\"a\"; filename=\"x\"\r\n\r\n",
    b"application/x-www-form-urlencoded",
    b"application/json",
    b"text/plain",
    b"wait=99999999999",
    b"respond-async",
    b"sig=",
    b"clear = ['x']",
    b"retired = true",
    b"\x1b[2J",
    b"<script>",
    b"../..",
    b"=cmd|'/c x'!A1",
];

/// One mutation: its kind and where it strikes.
type Mutation = (u8, u32, u32);
const KINDS: u8 = 10;

/// Throws mutations of `good` inputs at `check`, which panics when something is wrong.
///
/// # Panics
/// With the seed and the smallest input that fails.
pub fn fuzz(good: &[Vec<u8>], check: impl Fn(&[u8])) {
    let whole = number(SECONDS).map(Duration::from_secs);
    let until = Instant::now() + whole.unwrap_or(SHORT);
    let first = number(SEED).unwrap_or_else(rand::random);
    let before = memory_kib();
    let (mut seed, mut cases) = (first, 0);
    loop {
        round(seed, good, &check);
        cases += ROUND;
        if Instant::now() >= until {
            break;
        }
        seed = seed.wrapping_add(1);
    }
    let grown = peak_kib().saturating_sub(before);
    // Beside other tests nobody knows whose memory it is.
    assert!(
        whole.is_none() || grown <= MAX_GROWTH_KIB,
        "{cases} cases from seed {first} took {grown} KiB of memory, {MAX_GROWTH_KIB} are allowed"
    );
}

fn round(seed: u64, good: &[Vec<u8>], check: &impl Fn(&[u8])) {
    let config = Config {
        cases: ROUND,
        failure_persistence: None,
        max_shrink_iters: 2_000,
        // Milliseconds: a case that runs on is made smaller for so long only.
        max_shrink_time: 20_000,
        ..Config::default()
    };
    let mut bytes = [0; 32];
    for (place, byte) in bytes.iter_mut().zip(seed.to_le_bytes()) {
        *place = byte;
    }
    let mut runner = TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &bytes));
    let mutations = vec((0..KINDS, any::<u32>(), any::<u32>()), 0..=MUTATIONS);
    let inputs = (0..good.len(), mutations).prop_map(|(which, mutations)| mutated(good, which, &mutations));
    let tried = runner.run(&inputs, |input| {
        let started = processor_time();
        check(&input);
        let took = processor_time().saturating_sub(started);
        if took <= MAX_CASE {
            Ok(())
        } else {
            Err(TestCaseError::fail(format!(
                "{} bytes took {took:?}",
                input.len()
            )))
        }
    });
    match tried {
        Ok(()) => {}
        Err(TestError::Fail(reason, input)) => panic!(
            "{SEED}={seed} brings it again: {reason}\n{} bytes: {:?}\nas text: {}",
            input.len(),
            input.get(..input.len().min(4_096)),
            String::from_utf8_lossy(&input)
        ),
        Err(TestError::Abort(reason)) => panic!("{SEED}={seed}: {reason}"),
    }
}

/// The input after its mutations, in their order.
fn mutated(good: &[Vec<u8>], which: usize, mutations: &[Mutation]) -> Vec<u8> {
    let mut input = good.get(which).cloned().unwrap_or_default();
    for (kind, at, more) in mutations {
        mutate(&mut input, good, (*kind, *at, *more));
        input.truncate(MAX_BYTES);
    }
    input
}

fn mutate(input: &mut Vec<u8>, good: &[Vec<u8>], (kind, at, more): Mutation) {
    let place = |number: u32, length: usize| usize::try_from(number).unwrap_or_default() % (length + 1);
    let at = place(at, input.len());
    let end = (at + place(more, 64)).min(input.len());
    match kind {
        // One byte is another.
        0 => {
            if let Some(byte) = input.get_mut(at) {
                *byte = more.to_le_bytes()[0];
            }
        }
        1 => insert(
            input,
            at,
            TOKENS
                .get(place(more, TOKENS.len() - 1))
                .copied()
                .unwrap_or_default(),
        ),
        // A token in the place of a number or a word.
        2 => {
            let is_word = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_');
            let rest = input.get(at..).unwrap_or_default();
            let word = rest.iter().take_while(|byte| is_word(byte)).count();
            input.drain(at..at + word);
            insert(
                input,
                at,
                TOKENS
                    .get(place(more, TOKENS.len() - 1))
                    .copied()
                    .unwrap_or_default(),
            );
        }
        3 => drop(input.drain(at..end)),
        4 => input.truncate(at),
        // A piece many times.
        5 => {
            let piece = input
                .get(at..end)
                .unwrap_or_default()
                .repeat(place(more / 64, 2_000));
            insert(input, at, &piece);
        }
        // A piece of another input.
        6 => {
            let other = good.get(place(more, good.len() - 1)).cloned().unwrap_or_default();
            let from = place(more / 7, other.len());
            let to = (from + 200).min(other.len());
            insert(input, at, other.get(from..to).unwrap_or_default());
        }
        // Deep or long.
        7 => {
            let token = TOKENS
                .get(place(more, TOKENS.len() - 1))
                .copied()
                .unwrap_or_default();
            insert(input, at, &token.repeat(place(more / 64, 5_000)));
        }
        // A piece elsewhere.
        8 => {
            let piece: Vec<u8> = input.drain(at..end).collect();
            let to = place(more, input.len());
            insert(input, to, &piece);
        }
        // Bytes of no meaning.
        _ => {
            let noise = (0..more % 4_096).map(|n| (n.wrapping_mul(more | 1) >> 13).to_le_bytes()[0]);
            let noise: Vec<u8> = noise.collect();
            insert(input, at, &noise);
        }
    }
}

fn insert(input: &mut Vec<u8>, at: usize, piece: &[u8]) {
    let room = MAX_BYTES.saturating_sub(input.len()).min(piece.len());
    let piece = piece.get(..room).unwrap_or_default().to_vec();
    input.splice(at..at, piece);
}

#[expect(
    clippy::disallowed_methods,
    reason = "tests have no command line to configure them by"
)]
fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok()?.parse().ok()
}

/// Of this thread: a busy machine takes longer, and no more of it.
fn processor_time() -> Duration {
    let text = fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let nanos = text.split_whitespace().next().and_then(|word| word.parse().ok());
    Duration::from_nanos(nanos.unwrap_or_default())
}

/// What the process holds; its peak begins anew.
fn memory_kib() -> u64 {
    // Where it cannot be begun anew, it was higher before.
    fs::write("/proc/self/clear_refs", "5").ok();
    peak_kib()
}

fn peak_kib() -> u64 {
    let text = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = peak.and_then(|peak| peak.split_whitespace().next()?.parse().ok());
    kib.unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reader_that_stumbles_is_found_and_its_input_made_small() {
        let found = std::panic::catch_unwind(|| {
            for seed in 0.. {
                round(seed, &[b"{\"amount\":10}".to_vec()], &|input: &[u8]| {
                    assert!(!input.contains(&0), "a NUL");
                });
            }
        });
        let message = *found.unwrap_err().downcast::<String>().unwrap();
        assert!(message.contains("COMMISSARY_FUZZ_SEED="), "{message}");
        assert!(message.contains("a NUL"), "{message}");
    }

    #[test]
    fn inputs_stay_within_their_bound_and_are_the_same_for_the_same_seed() {
        let good = [vec![b'a'; 1_000], b"bc".to_vec()];
        let mutations: Vec<Mutation> = (0..60)
            .map(|n| (n % KINDS, u32::from(n) * 7_919, u32::MAX - u32::from(n) * 104_729))
            .collect();
        let one = mutated(&good, 0, &mutations);
        assert!(one.len() <= MAX_BYTES);
        assert_eq!(one, mutated(&good, 0, &mutations));
        assert_ne!(one, good[0]);
    }
}
