//! baresip as an agent's phone with real audio.

use std::fs;
use std::ops::RangeInclusive;
use std::process::Command;

use super::process::{Cluster, Process};

/// Where baresip's media is.
pub(crate) const RTP_PORTS: RangeInclusive<u16> = 14_700..=14_800;

/// A running baresip with its configuration folder.
pub(crate) struct Phone {
    process: Process,
    _folder: tempfile::TempDir,
}

/// Registers `user` from `port` and answers every call with the sound of a file.
pub(crate) fn start(cluster: &Cluster, user: &str, password: &str, port: u16) -> Phone {
    let folder = tempfile::tempdir().unwrap();
    let sound = concat!(env!("CARGO_MANIFEST_DIR"), "/config/prompts/wait.wav");
    let config = format!(
        "poll_method epoll\n\
         sip_listen 127.0.0.1:{port}\n\
         net_interface 127.0.0.1\n\
         audio_source aufile,{sound}\n\
         audio_player aufile,{folder}/heard.wav\n\
         rtp_ports {first}-{last}\n\
         module_path /usr/lib/baresip/modules\n\
         module g711.so\n\
         module aufile.so\n\
         module_tmp uuid.so\n\
         module_tmp account.so\n\
         module_app contact.so\n\
         module_app menu.so\n",
        folder = folder.path().display(),
        first = RTP_PORTS.start(),
        last = RTP_PORTS.end(),
    );
    let account = format!(
        "<sip:{user}@{};transport=udp>;auth_user={user};auth_pass={password};answermode=auto;regint=60;audio_codecs=PCMU,PCMA\n",
        cluster.sip
    );
    fs::write(folder.path().join("config"), config).unwrap();
    fs::write(folder.path().join("accounts"), account).unwrap();
    fs::write(folder.path().join("contacts"), "").unwrap();
    let mut command = Command::new("baresip");
    command.arg("-f").arg(folder.path()).arg("-v");
    Phone {
        process: Process::start("baresip", &mut command),
        _folder: folder,
    }
}

impl Phone {
    pub(crate) fn until(&mut self, text: &str) -> String {
        self.process.until(text)
    }

    pub(crate) fn stop(self) {
        drop(self.process);
    }
}
