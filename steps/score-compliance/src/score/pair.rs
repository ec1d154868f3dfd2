//! A pair with what its results say together.

use smallvec::SmallVec;

use super::codes::Codes;
use super::scopes::Source;

/// Where results of one pair come from; most have one source.
pub(crate) type Sources = SmallVec<[Source; 2]>;

/// A pair with what its results say together.
#[derive(Debug, Clone, Default)]
pub(crate) struct Pair {
    /// Noncompliant if any result is.
    pub(crate) noncompliant: bool,
    /// Of a noncompliant pair, the earliest result time of its noncompliant results; of a compliant one, the latest
    /// of all: from then on the pair as a whole is what it is. Milliseconds.
    pub(crate) time: Option<i64>,
    /// Where its results come from.
    pub(crate) sources: Sources,
    /// Those of them that say noncompliant.
    pub(crate) against: Sources,
    /// The result that speaks for the pair.
    pub(crate) voice: Voice,
}

/// The result that speaks for a pair: of those in the pair's state, one with an annotation before one without, then
/// the first by rule name and region.
#[derive(Debug, Clone, Default)]
pub(crate) struct Voice {
    source: Option<Source>,
    /// `result_recorded_time` in milliseconds.
    pub(crate) recorded: Option<i64>,
    pub(crate) annotation: Option<String>,
    pub(crate) annotation_reused: bool,
}

/// One result of a pair.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ResultOfPair<'a> {
    pub(crate) noncompliant: bool,
    /// Recorded, else captured, in milliseconds.
    pub(crate) time: Option<i64>,
    pub(crate) source: Source,
    pub(crate) recorded: Option<i64>,
    pub(crate) annotation: Option<&'a str>,
    pub(crate) annotation_reused: bool,
}

impl Pair {
    /// Adds a result; the order of results makes no difference.
    pub(crate) fn add(&mut self, result: &ResultOfPair<'_>, codes: &Codes) {
        self.sources.push(result.source);
        if result.noncompliant {
            self.against.push(result.source);
        }
        if result.noncompliant && !self.noncompliant {
            // The first noncompliant result: what compliant ones said no longer counts.
            self.noncompliant = true;
            self.time = result.time;
            self.voice.hear(result);
        } else if result.noncompliant == self.noncompliant {
            self.time = match (self.time, result.time) {
                (Some(a), Some(b)) if self.noncompliant => Some(a.min(b)),
                (Some(a), Some(b)) => Some(a.max(b)),
                (a, b) => a.or(b),
            };
            if self.voice.yields_to(result, codes) {
                self.voice.hear(result);
            }
        }
    }
}

impl Voice {
    fn yields_to(&self, result: &ResultOfPair<'_>, codes: &Codes) -> bool {
        self.source.is_none_or(|source| {
            let order = codes.texts(result.source).cmp(&codes.texts(source));
            let annotated = result.annotation.is_some().cmp(&self.annotation.is_some());
            annotated.reverse().then(order).is_lt()
        })
    }

    fn hear(&mut self, result: &ResultOfPair<'_>) {
        *self = Self {
            source: Some(result.source),
            recorded: result.recorded,
            annotation: result.annotation.map(str::to_owned),
            annotation_reused: result.annotation_reused,
        };
    }
}
