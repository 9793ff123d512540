//! A price for each unit, which may fall with the volume of a month. Pure arithmetic.

use std::fmt;
use std::str::FromStr;

/// GB in a TB, as in AWS's own examples for logs: "0 to 10TB @$0.50 per GB = 10 * 1,024 * $0.50".
pub const GB_A_TB: f64 = 1_024.0;

/// Upper bounds of all tiers but the last, in GB a month: the first 10 TB, the next 20, the next 20.
const BOUNDS: [f64; 3] = [10.0 * GB_A_TB, 30.0 * GB_A_TB, 50.0 * GB_A_TB];

/// US dollars for each unit.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Rate {
    /// One rate for any quantity.
    Flat(f64),
    /// One price for each tier of CloudWatch Logs. A tier's price holds for the GB within the tier alone.
    Tiered([f64; BOUNDS.len() + 1]),
}

impl Rate {
    /// Returns what `quantity` units cost in a month, in US dollars.
    #[must_use]
    pub fn cost(self, quantity: f64) -> f64 {
        match self {
            Self::Flat(usd) => quantity * usd,
            Self::Tiered(usd) => {
                let ends = BOUNDS.into_iter().chain([f64::INFINITY]);
                let starts = [0.0].into_iter().chain(BOUNDS);
                let within = starts.zip(ends).map(|(start, end)| quantity.min(end) - start);
                within.zip(usd).map(|(gb, usd)| gb.max(0.0) * usd).sum()
            }
        }
    }
}

/// One number, or one for each tier, separated by commas.
impl FromStr for Rate {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let usd = |text: &str| text.parse().ok().filter(|usd: &f64| usd.is_finite() && *usd >= 0.0);
        let all: Option<Vec<f64>> = text.split(',').map(usd).collect();
        let all = all.ok_or(())?;
        match all.as_slice() {
            [usd] => Ok(Self::Flat(*usd)),
            tiers => tiers.try_into().map(Self::Tiered).map_err(|_| ()),
        }
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flat(usd) => write!(f, "{usd}"),
            Self::Tiered(usd) => f.write_str(&usd.map(|usd| usd.to_string()).join(", ")),
        }
    }
}
