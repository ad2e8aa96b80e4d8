//! Values by what they are: usual ones, and odd ones, of which some are refused.

use super::pools::pools;

/// Where a value comes from.
pub struct Dice(u64);

impl Dice {
    /// The same values for the same number.
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    /// A number below `of`.
    pub fn below(&mut self, of: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) % of
    }

    /// One of these.
    pub fn of<T: Copy + Default>(&mut self, all: &[T]) -> T {
        let at = usize::try_from(self.below(all.len() as u64)).unwrap_or_default();
        all.get(at).copied().unwrap_or_default()
    }

    /// True so many times in four.
    pub fn often(&mut self, in_four: u64) -> bool {
        self.below(4) < in_four
    }

    /// Mostly a usual value of this kind, and now and then an odd one.
    pub fn text(&mut self, kind: Kind) -> String {
        let (usual, odd) = pools(kind);
        let odd = self.below(30) == 0 && !odd.is_empty();
        let text = if odd { self.of(pools(kind).1) } else { self.of(usual) };
        // A long one is written as `<300`.
        match text.strip_prefix('<').and_then(|length| length.parse::<usize>().ok()) {
            Some(length) => "x".repeat(length),
            None => text.to_owned(),
        }
    }
}

/// What a value is.
#[derive(Clone, Copy)]
pub enum Kind {
    Word,
    Server,
    Fact,
    Subject,
    Audience,
    Url,
    ServerUrl,
    SecondUrl,
    Exporter,
    Probe,
    Uri,
    Header,
    Metric,
    Label,
    LabelKey,
    LabelValue,
    Topic,
    Namespace,
    Domain,
    Path,
    Listen,
    AnyListen,
    UnitClaim,
    Claim,
    Value,
    Pattern,
    Duration,
    Long,
    Size,
    Percent,
    Cidr,
}
