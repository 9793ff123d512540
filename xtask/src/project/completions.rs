//! Completions of `cargo xtask` for shells, to be sourced (bash), or put where the shell looks (zsh, fish).

use clap::Command;
use clap_complete::Shell;
use xtask_synth::{Comments, Project};

use super::COMMANDS_IN;

/// cargo's own completion does not know `xtask`, so in bash this one is asked first.
const BASH: &str = r#"
_cargo_with_xtask() {
    local at=1
    if [[ ${COMP_WORDS[1]} == +* ]]; then at=2; fi
    if [[ ${COMP_WORDS[at]} == xtask && $COMP_CWORD -gt $at ]]; then
        COMP_WORDS=("${COMP_WORDS[@]:at}")
        COMP_CWORD=$((COMP_CWORD - at))
        _xtask xtask "$2" "$3"
        return
    fi
    if ! declare -F _cargo > /dev/null; then
        # bash-completion loads cargo's own when it is first asked for, and registers it instead of this one.
        if declare -F _comp_load > /dev/null; then
            _comp_load cargo
        elif declare -F _completion_loader > /dev/null; then
            _completion_loader cargo
        fi
        complete -F _cargo_with_xtask -o bashdefault -o default cargo
    fi
    if declare -F _cargo > /dev/null; then _cargo "$@"; fi
}
complete -F _cargo_with_xtask -o bashdefault -o default cargo
"#;

pub(super) fn add(project: &mut Project, command_line: &Command) {
    let own = || command_line.clone();
    for (path, text) in [
        ("xtask/completions/cargo-xtask.bash", script(Shell::Bash, own(), "xtask") + BASH),
        // `_cargo` calls a function of this name.
        ("xtask/completions/_cargo-xtask", script(Shell::Zsh, own(), "cargo-xtask")),
        ("xtask/completions/cargo-xtask.fish", fish(own())),
    ] {
        project.text(path, Comments::HASH, text).facts_from_all(COMMANDS_IN);
    }
}

/// In fish, completions add up, so these are the completions of a `cargo` with one command.
fn fish(own: Command) -> String {
    let cargo = Command::new("cargo")
        .disable_help_flag(true)
        .disable_help_subcommand(true)
        .subcommand(own.name("xtask"));
    // cargo's own completion may have functions of these names.
    script(Shell::Fish, cargo, "cargo").replace("__fish_cargo_", "__fish_cargo_xtask_")
}

fn script(shell: Shell, mut command: Command, name: &str) -> String {
    let mut text = Vec::new();
    clap_complete::generate(shell, &mut command, name, &mut text);
    String::from_utf8(text).expect("clap writes text")
}
