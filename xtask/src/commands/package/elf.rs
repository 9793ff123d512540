//! Checks in the ELF header that Lambda can start a program in any runtime. Pure.

use anyhow::{Result, bail};
use extension_spec::deployment::Architecture;

/// `e_machine` (ELF specification, "ELF Header").
const fn machine(architecture: Architecture) -> u16 {
    match architecture {
        Architecture::X86_64 => 62,
        Architecture::Arm64 => 183,
    }
}
/// `e_type` of a program that runs at the address it was linked for.
const ET_EXEC: u16 = 2;
/// `p_type` of the name of a dynamic linker.
const PT_INTERP: u32 = 3;

/// Fails with the rule that it breaks.
pub(super) fn check(program: &[u8], architecture: Architecture) -> Result<()> {
    let Some(header) = Header::read(program) else { bail!("it is no 64-bit ELF program") };
    if header.machine != machine(architecture) {
        bail!("it is not for {} (ELF machine {})", architecture.name(), header.machine);
    }
    if header.segments.contains(&PT_INTERP) {
        bail!(
            "it is not static: it asks for the dynamic linker and libc of a runtime that may have others"
        );
    }
    if header.kind != ET_EXEC {
        bail!(
            "it is position independent (ELF type {}), so each start would relocate its tables: link it with \
             relocation-model=static",
            header.kind
        );
    }
    Ok(())
}

struct Header {
    kind: u16,
    machine: u16,
    /// `p_type` of each segment.
    segments: Vec<u32>,
}

impl Header {
    fn read(program: &[u8]) -> Option<Self> {
        // Magic number, 64 bits, little endian.
        program.starts_with(b"\x7fELF\x02\x01").then_some(())?;
        let u16_at =
            |at: usize| Some(u16::from_le_bytes(program.get(at..at + 2)?.try_into().ok()?));
        let u32_at =
            |at: usize| Some(u32::from_le_bytes(program.get(at..at + 4)?.try_into().ok()?));
        let table =
            usize::try_from(u64::from_le_bytes(program.get(32..40)?.try_into().ok()?)).ok()?;
        let (size, count) = (usize::from(u16_at(54)?), usize::from(u16_at(56)?));
        let segments = (0..count)
            .map(|index| u32_at(table.checked_add(index * size)?))
            .collect::<Option<_>>()?;
        Some(Self { kind: u16_at(16)?, machine: u16_at(18)?, segments })
    }
}

#[cfg(test)]
mod tests {
    use super::{Architecture, check};

    /// A header with one segment.
    fn program(machine: u8, segment: u8) -> Vec<u8> {
        let mut bytes = vec![0; 64 + 56];
        bytes[..6].copy_from_slice(b"\x7fELF\x02\x01");
        (bytes[16], bytes[18], bytes[32], bytes[54], bytes[56]) = (2, machine, 64, 56, 1);
        bytes[64] = segment;
        bytes
    }

    fn problem(program: &[u8], architecture: Architecture) -> String {
        check(program, architecture).unwrap_err().to_string()
    }

    #[test]
    fn a_static_program_of_the_right_architecture_is_fine() {
        check(&program(62, 1), Architecture::X86_64).unwrap();
        check(&program(183, 1), Architecture::Arm64).unwrap();
    }

    #[test]
    fn another_architecture_is_named() {
        let words = "it is not for arm64 (ELF machine 62)";
        assert_eq!(problem(&program(62, 1), Architecture::Arm64), words);
    }

    #[test]
    fn a_program_that_needs_somebodys_libc_is_refused() {
        assert!(problem(&program(62, 3), Architecture::X86_64).starts_with("it is not static"));
    }

    #[test]
    fn a_program_that_is_position_independent_is_refused() {
        let mut program = program(62, 1);
        program[16] = 3;
        let problem = problem(&program, Architecture::X86_64);
        assert!(problem.starts_with("it is position independent (ELF type 3)"), "{problem}");
    }

    #[test]
    fn what_is_no_program_is_refused() {
        for bytes in [b"".as_slice(), b"#!/bin/sh\n", b"\x7fELF\x02\x01"] {
            assert_eq!(problem(bytes, Architecture::X86_64), "it is no 64-bit ELF program");
        }
        assert!(check(&program(62, 1)[..66], Architecture::X86_64).is_err(), "cut off");
    }
}
