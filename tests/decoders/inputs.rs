//! Inputs that nobody has written: random bytes, and valid ones changed, cut and put together wrongly.

use std::time::Instant;

/// A small generator (splitmix64): the same seed gives the same inputs.
pub(crate) struct Inputs {
    state: u64,
}

impl Inputs {
    pub(crate) fn roll(&mut self, sides: usize) -> usize {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ (mixed >> 31)) % sides.max(1) as u64) as usize
    }

    pub(crate) fn of<T: Clone>(&mut self, items: &[T]) -> T {
        items[self.roll(items.len())].clone()
    }

    /// A byte, more often one that means something.
    pub(crate) fn byte(&mut self) -> u8 {
        match self.roll(4) {
            0 => self.of(&[0, 1, 2, 4, 5, 0x7f, 0x80, 0xff]),
            1 => self.of(b"{}[]\",:0-9.eE\\ %?&=_+nutrfalse"),
            _ => self.roll(256) as u8,
        }
    }

    pub(crate) fn bytes(&mut self, most: usize) -> Vec<u8> {
        (0..self.roll(most + 1)).map(|_| self.byte()).collect()
    }

    /// A number, more often one at an end of what there is.
    pub(crate) fn number(&mut self) -> i64 {
        let ends = [0, 1, -1, i64::MAX, i64::MIN, i64::MAX - 1, 1 << 32, 1 << 31, 255, 1_767_225_600_000_000];
        match self.roll(3) {
            0 => self.of(&ends),
            1 => self.roll(1_000) as i64,
            _ => (self.roll(usize::MAX) as i64) >> self.roll(64),
        }
    }

    /// One of the valid inputs, changed; or nothing but random bytes.
    pub(crate) fn next(&mut self, valid: &[Vec<u8>]) -> Vec<u8> {
        let mut input = self.of(valid);
        match self.roll(8) {
            0 => return self.bytes(200),
            1 => input.truncate(self.roll(input.len() + 1)),
            2 => {
                // The head of one and the tail of another.
                let other = self.of(valid);
                input.truncate(self.roll(input.len() + 1));
                input.extend_from_slice(&other[self.roll(other.len() + 1)..]);
            }
            3 => {
                let (from, more) = (self.roll(input.len() + 1), self.bytes(9));
                input.splice(from..from, more);
            }
            4 => {
                let from = self.roll(input.len() + 1);
                let to = (from + self.roll(9)).min(input.len());
                input.drain(from..to);
            }
            5 if input.len() >= 8 => {
                // A number or a length that is another.
                let (at, number) = (self.roll(input.len() - 7), self.number());
                input[at..at + 8].copy_from_slice(&number.to_le_bytes());
            }
            _ => {}
        }
        if !input.is_empty() {
            for _ in 0..self.roll(4) {
                let at = self.roll(input.len());
                input[at] = if self.roll(2) == 0 { input[at] ^ (1 << self.roll(8)) } else { self.byte() };
            }
        }
        input
    }
}

/// Feeds a decoder with as many inputs as the environment says, else with `usual`. A panic of `decode` tells the seed and
/// the number of the input.
pub(crate) fn feed(decoder: &str, usual: usize, why: &str, mut decode: impl FnMut(&mut Inputs)) {
    let number = |name: &str| std::env::var(name).ok().map(|text| text.parse::<usize>().expect("a number"));
    let count = number("IDEMPOTENT_TEST_INPUTS").unwrap_or(usual);
    let first = number("IDEMPOTENT_TEST_SEED").unwrap_or(std::process::id() as usize) as u64;
    println!("{decoder}: {count} inputs ({why}), IDEMPOTENT_TEST_SEED={first}");
    let mut now = 0;
    let began = Instant::now();
    let all = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        let mut inputs = Inputs { state: first.wrapping_mul(0x5851_f42d_4c95_7f2d) };
        for number in 0..count {
            now = number;
            decode(&mut inputs);
        }
    }));
    let took = began.elapsed();
    println!("{decoder}: {:?} an input", took / u32::try_from(now + 1).unwrap_or(u32::MAX));
    if let Err(panic) = all {
        eprintln!("input {now} of {decoder}, IDEMPOTENT_TEST_SEED={first}");
        std::panic::resume_unwind(panic);
    }
}

/// A million, where an input takes a few microseconds.
pub(crate) const MILLION: usize = 1_000_000;
