//! The disk of the database, where it is a disk of this machine and the user may know which.

use common::{
    db::{self, Pool},
    health::Check,
    telemetry,
};

/// Free space, in hundredths of the disk, below which it is short.
const FEW: u64 = 10;
/// Whatever the disk's size, so much is room for days.
const ENOUGH_BYTES: u64 = 50 << 30;

pub(super) async fn check(pool: &Pool) -> Check {
    let result = match db::doctor::local_directory(pool).await {
        Ok(Some(directory)) => judge(&directory),
        Ok(None) => {
            Ok("the database's is not to be seen from here, or not by this user: watch it there".to_owned())
        }
        Err(error) => Err(telemetry::chain(&error)),
    };
    Check { name: "disk", result }
}

fn judge(directory: &str) -> Result<String, String> {
    let Ok(disk) = rustix::fs::statvfs(directory) else {
        return Ok(format!(
            "{directory} is not to be seen from here: watch it where the database runs"
        ));
    };
    let (free, all) = (disk.f_bavail * disk.f_frsize, disk.f_blocks * disk.f_frsize);
    let said = format!(
        "{} GiB of {} GiB are free for the database",
        free >> 30,
        all >> 30
    );
    if is_short(free, all) {
        return Err(format!(
            "{said}: it is short. When it is full nothing is applied and nothing is lost; make room, or take a larger disk"
        ));
    }
    Ok(said)
}

fn is_short(free: u64, all: u64) -> bool {
    free < ENOUGH_BYTES && free.saturating_mul(100) < all.saturating_mul(FEW)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tenth_is_short_unless_it_is_much() {
        let gib = 1 << 30;
        assert!(is_short(9 * gib, 100 * gib));
        assert!(!is_short(11 * gib, 100 * gib));
        assert!(!is_short(60 * gib, 1_000 * gib));
    }
}
