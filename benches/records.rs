//! What the channel costs once it is open: sealing and opening a record of 64 bytes, 1 KiB and 16 KiB.
//! `cargo bench --bench records`. Asserts nothing.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::disallowed_methods, clippy::print_stdout)]
#![allow(missing_docs)]

use std::hint::black_box;
use std::time::{Duration, Instant};

use ledgerd::session::record::{Kind, Opener, Sealer};
use ledgerd::time::Monotonic;
use zeroize::Zeroizing;

/// Records under way at once: few enough to stay in the processor's caches at 16 KiB.
const AT_ONCE: usize = 16;

fn main() {
    for (bytes, rounds) in [(64, 20_000), (1 << 10, 10_000), (16 << 10, 1_000)] {
        measure(bytes, rounds);
    }
}

fn measure(bytes: usize, rounds: u64) {
    let secret = || Zeroizing::new([7; 32]);
    let mut sealer = Sealer::new(secret(), Monotonic(Duration::ZERO));
    let mut opener = Opener::new(secret());
    let payload = vec![0x5a; bytes];
    let mut records = vec![Vec::new(); AT_ONCE];
    let (mut sealing, mut opening) = (Duration::ZERO, Duration::ZERO);
    for _ in 0..rounds {
        let start = Instant::now();
        for record in &mut records {
            record.clear();
            sealer.seal(Kind::MessageFinal, &[&payload], record).unwrap();
        }
        sealing += start.elapsed();
        let start = Instant::now();
        for record in &mut records {
            black_box(opener.open(record).unwrap());
        }
        opening += start.elapsed();
    }
    let count = rounds * AT_ONCE as u64;
    let each = |all: Duration| all.as_nanos() as f64 / count as f64;
    println!(
        "{bytes} bytes ({} sealed): seal {:.0} ns a record, {:.3} ns a byte; open {:.0} ns, {:.3} ns a byte",
        records.first().map_or(0, Vec::len),
        each(sealing),
        each(sealing) / bytes as f64,
        each(opening),
        each(opening) / bytes as f64,
    );
}
