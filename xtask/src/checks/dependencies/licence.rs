//! Licence expressions: `(MIT OR Apache-2.0) AND Unicode-3.0`. Pure.

/// Returns true if `expression` can be fulfilled with `allowed` licences only. An unreadable expression cannot.
pub(super) fn satisfied(expression: &str, allowed: &[&str]) -> bool {
    // Before 2018 a slash stood for OR, and some crates are that old.
    let spaced = expression.replace('/', " OR ").replace('(', " ( ").replace(')', " ) ");
    let mut words: Vec<&str> = spaced.split_whitespace().rev().collect();
    any(&mut words, allowed) == Some(true) && words.is_empty()
}

/// `a OR b`; OR binds less than AND. The words come last to first, so that the next one is popped.
fn any(words: &mut Vec<&str>, allowed: &[&str]) -> Option<bool> {
    let mut result = all(words, allowed)?;
    while words.pop_if(|word| *word == "OR").is_some() {
        result |= all(words, allowed)?;
    }
    Some(result)
}

/// `a AND b`.
fn all(words: &mut Vec<&str>, allowed: &[&str]) -> Option<bool> {
    let mut result = one(words, allowed)?;
    while words.pop_if(|word| *word == "AND").is_some() {
        result &= one(words, allowed)?;
    }
    Some(result)
}

/// A licence, one with an exception from its terms, or an expression in brackets.
fn one(words: &mut Vec<&str>, allowed: &[&str]) -> Option<bool> {
    let word = words.pop()?;
    if word == "(" {
        let result = any(words, allowed)?;
        return (words.pop() == Some(")")).then_some(result);
    }
    if words.pop_if(|word| *word == "WITH").is_some() {
        // An exception only ever takes a condition away.
        words.pop()?;
    }
    Some(allowed.contains(&word))
}

#[cfg(test)]
mod tests {
    use super::satisfied;

    const ALLOWED: [&str; 3] = ["MIT", "Apache-2.0", "Unicode-3.0"];

    #[test]
    fn one_of_several_is_enough() {
        for expression in [
            "MIT",
            "MIT OR GPL-3.0-only",
            "GPL-3.0-only OR MIT",
            "GPL-3.0-only/MIT",
            "GPL-3.0-only / MIT",
            "(GPL-3.0-only OR MIT) AND Unicode-3.0",
            "Apache-2.0 WITH LLVM-exception",
            "GPL-3.0-only AND ISC OR MIT",
        ] {
            assert!(satisfied(expression, &ALLOWED), "{expression}");
        }
    }

    #[test]
    fn both_must_be_allowed_where_both_apply() {
        for expression in ["MIT AND GPL-3.0-only", "(MIT OR Apache-2.0) AND ISC", "ISC"] {
            assert!(!satisfied(expression, &ALLOWED), "{expression}");
        }
    }

    #[test]
    fn what_cannot_be_read_is_not_allowed() {
        for expression in [
            "",
            "(MIT",
            "MIT)",
            "MIT OR",
            "MIT Apache-2.0",
            "AND MIT",
            "MIT WITH",
            "no licence at all",
        ] {
            assert!(!satisfied(expression, &ALLOWED), "{expression}");
        }
    }
}
