//! Runs every check with its corpus and with a few mutants of it, the same ones each time, so that a build without a
//! fuzzer exercises the checks, too.

use std::fs;
use std::path::{Path, PathBuf};

use fastrand::Rng;
use fuzz_checks::CHECKS;

/// The number of mutants for each check.
const MUTANTS: usize = 300;
/// The largest input, in bytes.
const LONGEST: usize = 20_000;

/// The inputs of a check, by name.
fn corpus(name: &str) -> Vec<(PathBuf, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../corpus").join(name);
    let entries = fs::read_dir(&folder).expect("every check has its corpus");
    let mut paths: Vec<PathBuf> =
        entries.map(|entry| entry.expect("the folder can be read").path()).collect();
    paths.sort();
    let read = |path: PathBuf| {
        let bytes = fs::read(&path).expect("every seed is a file");
        (path, bytes)
    };
    paths.into_iter().map(read).collect()
}

/// Runs a check. If it fails, the panic names the input.
fn check(check: fn(&[u8]), input: &[u8], name: &dyn std::fmt::Display) {
    let result = std::panic::catch_unwind(|| check(input));
    assert!(result.is_ok(), "does not hold for {name}: {:?}", String::from_utf8_lossy(input));
}

#[test]
fn every_check_holds_for_every_input_of_its_corpus() {
    for (name, function) in CHECKS {
        let corpus = corpus(name);
        assert!(corpus.len() >= 10, "{name} has {} seeds", corpus.len());
        for (path, input) in corpus {
            check(function, &input, &path.display());
        }
    }
}

#[test]
fn every_check_holds_for_mutants_of_its_corpus() {
    for (name, function) in CHECKS {
        let seeds: Vec<Vec<u8>> = corpus(name).into_iter().map(|(_, input)| input).collect();
        let mut rng = Rng::with_seed(7);
        for number in 0..MUTANTS {
            let mutant = mutant(&seeds, &mut rng);
            check(function, &mutant, &format_args!("mutant {number} of {name}"));
        }
    }
}

#[test]
fn corpora_are_small() {
    let inputs = CHECKS.iter().flat_map(|(name, _)| corpus(name));
    let bytes: usize = inputs.map(|(_, input)| input.len()).sum();
    assert!(bytes < 200_000, "{bytes}");
}

/// One of the seeds, changed in some places.
fn mutant(seeds: &[Vec<u8>], rng: &mut Rng) -> Vec<u8> {
    let mut input = rng.choice(seeds).cloned().unwrap_or_default();
    for _ in 0..rng.usize(1..8) {
        let at = rng.usize(..=input.len());
        let end = rng.usize(at..=input.len().min(at + 40));
        match rng.u8(..6) {
            0 => input.truncate(at),
            1 => drop(input.drain(at..end)),
            2 => input.insert(at, rng.u8(..)),
            // A byte of the input itself, so that text stays text.
            3 if end > at => input[at] = input[rng.usize(..input.len())],
            4 if end > at => input[at] ^= 1 << rng.u8(..8),
            // Inserts a piece of this input, or of another one.
            _ => {
                let other = rng.choice(seeds).cloned().unwrap_or_default();
                let from = rng.usize(..=other.len());
                let to = rng.usize(from..=other.len().min(from + 200));
                input.splice(at..at, other[from..to].iter().copied());
            }
        }
    }
    input.truncate(LONGEST);
    input
}
