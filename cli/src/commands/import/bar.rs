//! How far something is: on a terminal as a bar, elsewhere as a line now and then.

use std::{
    io::IsTerminal as _,
    time::{Duration, Instant},
};

use indicatif::{HumanDuration, ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::print::note;

/// Between two lines where there is no terminal.
const PLAIN_EVERY: Duration = Duration::from_secs(10);

pub(super) struct Bar {
    shown: ProgressBar,
    /// What is done to the records.
    doing: &'static str,
    /// What the number of a record is called.
    place: &'static str,
    started: Instant,
    /// How far it was then.
    began_at: Option<u64>,
    /// Of the last line, where there is no terminal.
    plain: Option<Instant>,
}

impl Bar {
    pub(super) fn new(doing: &'static str, place: &'static str) -> Self {
        let bar = ProgressBar::with_draw_target(Some(1_000), ProgressDrawTarget::stderr());
        if let Ok(style) = ProgressStyle::with_template("{bar:30} {msg}") {
            bar.set_style(style);
        }
        let started = Instant::now();
        Self {
            shown: bar,
            doing,
            place,
            started,
            began_at: None,
            plain: (!std::io::stderr().is_terminal()).then_some(started),
        }
    }

    /// The record at `number` is reached, `done` of `all`. What is left takes at least `least`.
    pub(super) fn show(&mut self, number: u64, done: u64, all: u64, least: Duration) -> anyhow::Result<()> {
        let (done, all) = (done.min(all), all.max(1));
        let began_at = *self.began_at.get_or_insert(done);
        let left = left(self.started.elapsed(), done - began_at.min(done), all - done).max(Some(least));
        let text = text(self.doing, self.place, number, done * 100 / all, left);
        self.shown.set_position(done * 1_000 / all);
        if let Some(last) = &mut self.plain
            && last.elapsed() >= PLAIN_EVERY
        {
            *last = Instant::now();
            note(&text)?;
        }
        self.shown.set_message(text);
        Ok(())
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.shown.finish_and_clear();
    }
}

/// Of what took `elapsed` for `done`; `None` before anything is done.
fn left(elapsed: Duration, done: u64, rest: u64) -> Option<Duration> {
    let millis = elapsed.as_millis().checked_mul(u128::from(rest))?;
    let millis = millis.checked_div(u128::from(done))?;
    Some(Duration::from_millis(u64::try_from(millis).ok()?))
}

fn text(doing: &str, place: &str, number: u64, percent: u64, left: Option<Duration>) -> String {
    let left = left.map_or_else(|| "a while".to_owned(), |left| HumanDuration(left).to_string());
    format!("{doing} {place} {number}, {percent} %, {left} left")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_says_where_how_far_and_how_long() {
        let minute = Duration::from_mins(1);
        assert_eq!(left(minute, 25, 75), Some(3 * minute));
        assert_eq!(left(minute, 0, 100), None);
        assert_eq!(
            text("reading", "line", 1_200, 25, Some(3 * minute)),
            "reading line 1200, 25 %, 3 minutes left"
        );
        assert!(text("reading", "line", 1, 0, None).ends_with("0 %, a while left"));
    }
}
