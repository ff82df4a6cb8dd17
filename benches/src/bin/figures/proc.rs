//! What the kernel counts: CPU time of threads, processes and the machine, datagrams. Linux only; elsewhere nothing is found.

use std::collections::BTreeMap;
use std::fs;
use std::time::Duration;

/// CPU time of the calling thread.
pub(crate) fn thread_cpu() -> Option<Duration> {
    run_time(&fs::read_to_string("/proc/thread-self/schedstat").ok()?)
}

/// CPU time of each thread of a process, also of one that has ended and was not waited for.
pub(crate) fn process_threads(pid: u32) -> BTreeMap<u32, Duration> {
    let Ok(tasks) = fs::read_dir(format!("/proc/{pid}/task")) else {
        return BTreeMap::new();
    };
    tasks
        .filter_map(|task| {
            let task = task.ok()?;
            let thread = task.file_name().to_str()?.parse().ok()?;
            Some((
                thread,
                run_time(&fs::read_to_string(task.path().join("schedstat")).ok()?)?,
            ))
        })
        .collect()
}

/// Whether a child process has ended; `None` when there is no such process.
pub(crate) fn has_ended(pid: u32) -> Option<bool> {
    state(&fs::read_to_string(format!("/proc/{pid}/stat")).ok()?).map(|state| state == 'Z')
}

/// What went over the loopback interface and through UDP, of all processes here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Loopback {
    /// UDP datagrams sent.
    pub(crate) datagrams: u64,
    /// Packets of any kind, IP heads included.
    packets: u64,
    bytes: u64,
}

impl Loopback {
    /// The counters now.
    pub(crate) fn now() -> Option<Self> {
        let datagrams = udp_sent(&fs::read_to_string("/proc/net/snmp").ok()?)?;
        let (bytes, packets) = loopback_sent(&fs::read_to_string("/proc/net/dev").ok()?)?;
        Some(Self {
            datagrams,
            packets,
            bytes,
        })
    }

    /// What was added since `earlier`.
    pub(crate) fn since(self, earlier: Self) -> Self {
        Self {
            datagrams: self.datagrams.saturating_sub(earlier.datagrams),
            packets: self.packets.saturating_sub(earlier.packets),
            bytes: self.bytes.saturating_sub(earlier.bytes),
        }
    }

    /// Mean payload of a packet as if all were UDP over IPv4.
    pub(crate) fn mean_payload(self) -> usize {
        const IP_AND_UDP: u64 = 28;
        let mean = self.bytes.checked_div(self.packets).unwrap_or_default();
        usize::try_from(mean.saturating_sub(IP_AND_UDP)).unwrap_or_default()
    }
}

/// CPU time of the whole machine since its start, in ticks of one core.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Machine {
    total: u64,
    idle: u64,
}

impl Machine {
    /// The counters now.
    pub(crate) fn now() -> Option<Self> {
        Self::parse(&fs::read_to_string("/proc/stat").ok()?)
    }

    /// The share of the machine, 0 to 1, that was in use since `earlier`.
    pub(crate) fn in_use_since(self, earlier: Self) -> Option<f64> {
        let total = self.total.checked_sub(earlier.total).filter(|total| *total > 0)?;
        let idle = self.idle.saturating_sub(earlier.idle).min(total);
        Some((total - idle) as f64 / total as f64)
    }

    /// User, nice, system, idle, waiting, interrupts, soft interrupts, stolen; guests are in user.
    fn parse(stat: &str) -> Option<Self> {
        let line = stat.lines().find_map(|line| line.strip_prefix("cpu "))?;
        let ticks: Vec<u64> = line
            .split_whitespace()
            .take(8)
            .map_while(|field| field.parse().ok())
            .collect();
        let (idle, waiting) = (ticks.get(3)?, ticks.get(4)?);
        Some(Self {
            total: ticks.iter().sum(),
            idle: idle + waiting,
        })
    }
}

/// Files that this process may have open.
pub(crate) fn open_files_limit() -> Option<u64> {
    let limits = fs::read_to_string("/proc/self/limits").ok()?;
    let line = limits.lines().find(|line| line.starts_with("Max open files"))?;
    line.split_whitespace().nth(3)?.parse().ok()
}

/// First field of `schedstat`: nanoseconds on a CPU.
fn run_time(schedstat: &str) -> Option<Duration> {
    schedstat
        .split_whitespace()
        .next()?
        .parse()
        .ok()
        .map(Duration::from_nanos)
}

/// Third field of `stat`; the second is a name in parentheses that may hold anything.
fn state(stat: &str) -> Option<char> {
    let (_, rest) = stat.rsplit_once(')')?;
    rest.trim_start().chars().next()
}

fn udp_sent(snmp: &str) -> Option<u64> {
    let mut lines = snmp.lines().filter_map(|line| line.strip_prefix("Udp: "));
    let (names, values) = (lines.next()?, lines.next()?);
    let mut fields = names.split_whitespace().zip(values.split_whitespace());
    fields.find(|(name, _)| *name == "OutDatagrams")?.1.parse().ok()
}

fn loopback_sent(dev: &str) -> Option<(u64, u64)> {
    let line = dev
        .lines()
        .find_map(|line| line.trim_start().strip_prefix("lo:"))?;
    let mut sent = line.split_whitespace().skip(8);
    Some((sent.next()?.parse().ok()?, sent.next()?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn run_time_is_the_first_field() {
        assert_eq!(run_time("1500 7 1\n"), Some(Duration::from_nanos(1500)));
        assert_eq!(run_time(""), None);
    }

    #[test]
    fn the_share_in_use_is_what_was_neither_idle_nor_waiting() {
        let start = Machine::parse("cpu  10 0 10 70 10 0 0 0 5 0\ncpu0 1 1 1 1 1\n").unwrap();
        let end = Machine::parse("cpu  30 0 10 120 20 0 0 20 5 0\n").unwrap();
        assert_eq!(start, Machine { total: 100, idle: 80 });
        assert_eq!(end.in_use_since(start), Some(0.4));
        assert_eq!(start.in_use_since(start), None);
        assert_eq!(Machine::parse("intr 1\n"), None);
    }

    #[test]
    fn the_state_is_found_behind_a_name_with_blanks_and_parentheses() {
        assert_eq!(state("42 (a) Z b) S 1 42"), Some('S'));
        assert_eq!(state("42 (sipp) Z 1 42"), Some('Z'));
    }

    #[test]
    fn sent_datagrams_and_packets_are_found_by_their_names() {
        let snmp = "Tcp: a b\nTcp: 1 2\nUdp: InDatagrams NoPorts InErrors OutDatagrams\nUdp: 5 6 7 8\n";
        assert_eq!(udp_sent(snmp), Some(8));
        let dev = "Inter-| Receive\n  lo: 100 2 0 0 0 0 0 0 300 4 0 0 0 0 0 0\n eth0: 9 9 9 9\n";
        assert_eq!(loopback_sent(dev), Some((300, 4)));
        assert_eq!(loopback_sent(" eth0: 9 9 9 9\n"), None);
    }

    #[test]
    fn the_mean_payload_is_without_the_heads_of_ip_and_udp() {
        let start = Loopback {
            datagrams: 10,
            packets: 20,
            bytes: 5_000,
        };
        let end = Loopback {
            datagrams: 14,
            packets: 24,
            bytes: 5_912,
        };
        assert_eq!(
            end.since(start),
            Loopback {
                datagrams: 4,
                packets: 4,
                bytes: 912
            }
        );
        assert_eq!(end.since(start).mean_payload(), 200);
        assert_eq!(start.since(start).mean_payload(), 0);
    }
}
