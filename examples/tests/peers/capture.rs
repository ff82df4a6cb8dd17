//! tshark counts the RTP packets of a customer.

use std::path::Path;
use std::process::Command;

use super::process::Process;

/// A running capture of one UDP port on loopback.
pub(crate) struct Capture {
    process: Process,
    port: u16,
    folder: tempfile::TempDir,
}

/// One RTP stream.
#[derive(Debug)]
pub(crate) struct RtpStream {
    pub(crate) from: u16,
    pub(crate) to: u16,
    pub(crate) packets: u64,
}

impl Capture {
    pub(crate) fn start(port: u16) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut command = Command::new("tshark");
        command
            .args(["-i", "lo", "-f", &format!("udp port {port}"), "-w"])
            .arg(folder.path().join("rtp.pcapng"));
        let mut process = Process::start("tshark", &mut command);
        process.until("Capturing on");
        Self {
            process,
            port,
            folder,
        }
    }

    /// Ends the capture; the streams to and from the port.
    pub(crate) fn finish(self) -> Vec<RtpStream> {
        self.process.interrupt();
        streams(&self.folder.path().join("rtp.pcapng"), self.port)
    }
}

fn streams(file: &Path, port: u16) -> Vec<RtpStream> {
    let mut command = Command::new("tshark");
    command
        .arg("-r")
        .arg(file)
        .args(["-d", &format!("udp.port=={port},rtp"), "-q", "-z", "rtp,streams"]);
    let table = Process::start("tshark", &mut command).finish();
    // Start, end, source address and port, destination address and port, SSRC, payload (may hold blanks), packets, ...
    table.lines().filter_map(row).collect()
}

fn row(line: &str) -> Option<RtpStream> {
    let words: Vec<_> = line.split_whitespace().collect();
    let ssrc = words.iter().position(|word| word.starts_with("0x"))?;
    let packets = words[ssrc + 1..].iter().find_map(|word| word.parse().ok())?;
    Some(RtpStream {
        from: words[ssrc - 3].parse().ok()?,
        to: words[ssrc - 1].parse().ok()?,
        packets,
    })
}
