//! The contract suite on the simulated switch.

use tlib::testing::SimFixture;

fn fixture() -> SimFixture {
    #[expect(clippy::disallowed_methods, reason = "an origin for simulated time")]
    let now = std::time::Instant::now();
    SimFixture::new(now)
}

tlib::switch_suite!(fixture);
