//! What Linux tells of processes: their time on the processor, their memory, whose children they are. Elsewhere nothing is known.

use std::{path::Path, time::Duration};

use tokio::process::Command;

/// Linux counts a process's time in these, on all of its machines.
const TICK: Duration = Duration::from_millis(10);

/// Sends a signal by name, such as `TERM`. One that is gone needs none.
pub(super) async fn signal(name: &str, pid: u32) {
    let mut kill = Command::new("kill");
    kill.args([format!("-{name}"), pid.to_string()]);
    if let Err(error) = kill.output().await {
        tracing::debug!(%error, "the program kill");
    }
}

/// A process's arguments, as one text.
pub(super) fn arguments(pid: u32) -> Option<String> {
    let bytes = std::fs::read(format!("/proc/{pid}/cmdline")).ok()?;
    Some(String::from_utf8_lossy(&bytes).replace('\0', " "))
}

/// One line of `/proc/PID/stat`.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Stat {
    name: String,
    parent: u32,
    /// Its own, and that of its children that have ended.
    own: Duration,
    of_ended: Duration,
}

fn parse(line: &str) -> Option<Stat> {
    // The name is in brackets and may hold blanks and brackets itself.
    let (head, rest) = line.rsplit_once(')')?;
    let (_, name) = head.split_once('(')?;
    let fields: Vec<&str> = rest.split_whitespace().collect();
    let ticks = |place: usize| -> Option<Duration> {
        let count: u32 = fields.get(place)?.parse().ok()?;
        Some(TICK * count)
    };
    Some(Stat {
        name: name.to_owned(),
        parent: fields.get(1)?.parse().ok()?,
        own: ticks(11)? + ticks(12)?,
        of_ended: ticks(13)? + ticks(14)?,
    })
}

fn stat(path: &Path) -> Option<Stat> {
    parse(&std::fs::read_to_string(path).ok()?)
}

fn of_pid(pid: u32) -> Option<Stat> {
    stat(&Path::new("/proc").join(pid.to_string()).join("stat"))
}

/// Time on the processor of a process by itself.
pub(super) fn time_of(pid: u32) -> Option<Duration> {
    of_pid(pid).map(|stat| stat.own)
}

/// Time on the processor of the thread that asks.
pub(super) fn time_of_thread() -> Option<Duration> {
    stat(Path::new("/proc/thread-self/stat")).map(|stat| stat.own)
}

/// Time on the processor of a process and all its children, those that have ended, too.
pub(super) fn time_of_family(pid: u32) -> Option<Duration> {
    let parent = of_pid(pid)?;
    let children = pids().filter_map(of_pid).filter(|stat| stat.parent == pid);
    Some(parent.own + parent.of_ended + children.map(|child| child.own + child.of_ended).sum::<Duration>())
}

/// The process that made `pid`, if that is called `name`.
pub(super) fn parent_called(pid: u32, name: &str) -> Option<u32> {
    let parent = of_pid(pid)?.parent;
    (of_pid(parent)?.name == name).then_some(parent)
}

/// The only process with a name that begins like this; `None` when there are several.
pub(super) fn only_one_called(name: &str) -> Option<u32> {
    let mut found = pids().filter(|pid| of_pid(*pid).is_some_and(|stat| stat.name.starts_with(name)));
    let first = found.next()?;
    found.next().is_none().then_some(first)
}

/// The most memory that a process has had resident, in bytes.
pub(super) fn most_memory(pid: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kilobytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kilobytes * 1024)
}

/// The machine's memory in bytes.
pub(super) fn machine_memory() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/meminfo").ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    let kilobytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kilobytes * 1024)
}

fn pids() -> impl Iterator<Item = u32> {
    let entries = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_a_process_is_read_whatever_it_is_called() {
        let line = "17 (a (b) c) S 4 17 17 0 -1 4194560 9 8 0 0 250 50 3 4 20 0 1 0 100 0 0";
        let stat = parse(line).unwrap();
        assert_eq!((stat.name.as_str(), stat.parent), ("a (b) c", 4));
        assert_eq!(stat.own, Duration::from_secs(3));
        assert_eq!(stat.of_ended, Duration::from_millis(70));
        assert_eq!(parse("17 (x) S"), None);
    }

    #[test]
    fn this_process_is_found() {
        let own = std::process::id();
        let before = time_of(own);
        assert!(before.is_some() && time_of_thread().is_some() && time_of_family(own) >= before);
        assert!(most_memory(own) > Some(1_000_000));
        assert!(machine_memory() > most_memory(own));
        assert!(arguments(own).is_some_and(|text| text.contains("commissary")));
        assert_eq!(time_of(u32::MAX), None);
    }
}
