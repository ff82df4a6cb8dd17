//! The contract of a media server, kept by the one of this process.

use std::sync::Arc;
use std::time::{Duration, Instant};

use media::prompt::PromptStore;
use media::server::{LocalMedia, LocalMediaConfig};
use media::tone::sine_wave;
use sip::media::MediaServer;
use sip::media::suite::Fixture;
use tokio::runtime::Runtime;

/// Real time: the server's clock and sockets are those of the machine.
struct Real {
    media: LocalMedia,
    _runtime: Runtime,
}

impl Fixture for Real {
    fn server(&mut self) -> &mut dyn MediaServer {
        &mut self.media
    }

    fn now(&self) -> Instant {
        tokio::time::Instant::now().into_std()
    }

    fn advance(&mut self, by: Duration) {
        std::thread::sleep(by);
    }
}

fn real() -> Real {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .unwrap();
    let mut prompts = PromptStore::default();
    prompts
        .insert("prompt", sine_wave(440.0, 4_000, Duration::from_millis(200)))
        .unwrap();
    let media = {
        let _inside = runtime.enter();
        LocalMedia::start(LocalMediaConfig::default(), Arc::new(prompts)).0
    };
    Real {
        media,
        _runtime: runtime,
    }
}

sip::media_suite!(real);
