//! Facts from hashes: every fact of the world is a pure function of (seed, path of the entity), so the order in
//! which facts are asked for never matters.

/// The hash of an entity's path; children are derived from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Key(u64);

impl Key {
    /// The root of a seed.
    pub(crate) fn new(seed: u64) -> Self {
        Self(mix(seed ^ 0x9e37_79b9_7f4a_7c15))
    }

    /// The child of this name.
    pub(crate) fn text(self, name: &str) -> Self {
        let hash = name.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
        Self(mix(self.0.rotate_left(17) ^ hash))
    }

    /// The child of this number.
    pub(crate) fn number(self, number: i64) -> Self {
        Self(mix(self
            .0
            .wrapping_add(mix(number.cast_unsigned() ^ 0xd1b5_4a32_d192_ed03))))
    }

    /// A number in `0..n`; 0 when `n` is not positive.
    pub(crate) fn below(self, n: i64) -> i64 {
        if n <= 0 {
            return 0;
        }
        ((u128::from(self.0) * u128::from(n.cast_unsigned())) >> 64) as i64
    }

    /// A number in `low..high`.
    pub(crate) fn between(self, low: i64, high: i64) -> i64 {
        low + self.below(high - low)
    }

    /// A number in `[0, 1)`.
    pub(crate) fn unit(self) -> f64 {
        (self.0 >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// True with this probability.
    pub(crate) fn chance(self, probability: f64) -> bool {
        self.unit() < probability
    }

    /// One of these; `None` when there are none.
    pub(crate) fn pick<T>(self, all: &[T]) -> Option<&T> {
        all.get(self.below(all.len() as i64) as usize)
    }

    /// `length` characters of `alphabet`.
    pub(crate) fn characters(self, alphabet: &str, length: usize) -> String {
        let alphabet = alphabet.as_bytes();
        (0..length)
            .filter_map(|index| self.number(index as i64).pick(alphabet))
            .map(|byte| char::from(*byte))
            .collect()
    }

    /// `length` lower-case hexadecimal digits.
    pub(crate) fn hex(self, length: usize) -> String {
        self.characters("0123456789abcdef", length)
    }

    /// `length` lower-case letters and digits.
    pub(crate) fn alphanumeric(self, length: usize) -> String {
        self.characters("0123456789abcdefghijklmnopqrstuvwxyz", length)
    }
}

/// The finalizer of splitmix64.
fn mix(mut z: u64) -> u64 {
    z = z.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}
