//! What the system says about this process. Linux only; elsewhere nothing is known.

use std::time::Duration;

/// Clock ticks a second in `/proc`: fixed in the interface to user space.
const TICKS: f64 = 100.0;

/// CPU time of all threads so far.
pub(super) fn cpu_time() -> Option<Duration> {
    cpu_time_of(&std::fs::read_to_string("/proc/self/stat").ok()?)
}

/// Most files that may be open.
pub(super) fn open_files_limit() -> Option<usize> {
    open_files_of(&std::fs::read_to_string("/proc/self/limits").ok()?)
}

/// Fields 14 and 15 of `stat`; the name in field 2 may hold blanks and brackets.
fn cpu_time_of(stat: &str) -> Option<Duration> {
    let mut fields = stat.rsplit_once(')')?.1.split_ascii_whitespace().skip(11);
    let user: u32 = fields.next()?.parse().ok()?;
    let system: u32 = fields.next()?.parse().ok()?;
    Some(Duration::from_secs_f64(
        (f64::from(user) + f64::from(system)) / TICKS,
    ))
}

fn open_files_of(limits: &str) -> Option<usize> {
    let line = limits
        .lines()
        .find_map(|line| line.strip_prefix("Max open files"))?;
    match line.split_ascii_whitespace().next()? {
        "unlimited" => Some(usize::MAX),
        number => number.parse().ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cpu_time_is_read_behind_a_name_with_blanks_and_brackets() {
        let stat = "7 (a) b (c)) S 1 7 7 0 -1 4194560 2000 0 0 0 150 50 0 0 20 0 9 0 100 1 1";
        assert_eq!(cpu_time_of(stat), Some(Duration::from_secs(2)));
        assert_eq!(cpu_time_of("7 (a) S 1"), None);
    }

    #[test]
    fn the_soft_limit_of_open_files_is_read() {
        let limits = "Limit  Soft Limit  Hard Limit  Units\nMax open files            1024                 524288               files\n";
        assert_eq!(open_files_of(limits), Some(1_024));
        assert_eq!(
            open_files_of("Max open files unlimited unlimited files"),
            Some(usize::MAX)
        );
        assert_eq!(open_files_of(""), None);
    }
}
