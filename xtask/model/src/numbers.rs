//! Numbers as the tables of docs/cost.md have them.

/// Returns US dollars: with cents below a thousand, and with separators from there on.
pub(crate) fn usd(usd: f64) -> String {
    if usd < 999.995 { format!("{usd:.2}") } else { separated(usd) }
}

/// Returns a quantity: three decimals below ten, and separators from a thousand on.
pub(crate) fn quantity(quantity: f64) -> String {
    if quantity >= 1_000.0 {
        separated(quantity)
    } else if quantity >= 10.0 || quantity.fract() == 0.0 {
        format!("{quantity:.0}")
    } else {
        format!("{quantity:.3}")
    }
}

/// Returns a whole number with a comma after each three digits.
fn separated(number: f64) -> String {
    let digits = format!("{number:.0}");
    let mut separated = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at) % 3 == 0 {
            separated.push(',');
        }
        separated.push(digit);
    }
    separated
}
