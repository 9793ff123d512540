//! The completions, in a real shell.

use std::process::Command;

use crate::support::workspace;

/// Returns the completions that bash offers for the last of these words.
fn offered(words: &[&str]) -> Vec<String> {
    offered_after("", words)
}

/// Returns the completions after other commands have run.
fn offered_after(before: &str, words: &[&str]) -> Vec<String> {
    let script = format!(
        "{before}\n\
         source xtask/completions/cargo-xtask.bash\n\
         COMP_WORDS=({})\n\
         COMP_CWORD={}\n\
         _cargo_with_xtask cargo \"${{COMP_WORDS[COMP_CWORD]}}\" \"${{COMP_WORDS[COMP_CWORD-1]}}\"\n\
         printf '%s\\n' \"${{COMPREPLY[@]}}\"\n",
        words.iter().map(|word| format!("'{word}'")).collect::<Vec<_>>().join(" "),
        words.len() - 1
    );
    let mut bash = Command::new("bash");
    bash.args(["--noprofile", "--norc", "-c", &script]).current_dir(workspace::root());
    let output = bash.output().unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect()
}

#[test]
fn bash_offers_every_command() {
    let offered = offered(&["cargo", "xtask", ""]);
    for command in crate::commands::command_line().get_subcommands() {
        assert!(offered.iter().any(|it| it == command.get_name()), "{offered:?}");
    }
}

#[test]
fn bash_offers_the_options_of_a_command_and_the_values_of_an_option() {
    assert!(offered(&["cargo", "xtask", "synth", "--c"]).contains(&"--check".to_owned()));
    assert_eq!(offered(&["cargo", "xtask", "demo", "--format", ""]), ["text", "json"]);
}

#[test]
fn bash_offers_the_same_behind_a_toolchain() {
    assert_eq!(offered(&["cargo", "+nightly", "xtask", "syn"]), ["synth"]);
}

#[test]
fn bash_asks_cargos_own_completion_for_everything_else() {
    let own = "_cargo() { COMPREPLY=(build bench); }";
    assert_eq!(offered_after(own, &["cargo", "b"]), ["build", "bench"]);
    // bash-completion defines it only on demand, and replaces an earlier registration.
    let lazily = format!("_completion_loader() {{ {own}; complete -F _cargo cargo; }}");
    assert_eq!(offered_after(&lazily, &["cargo", "b"]), ["build", "bench"]);
    let registered = format!("{lazily}\ntrap 'complete -p cargo' EXIT");
    let offered = offered_after(&registered, &["cargo", "b"]);
    assert!(offered[2].contains("-F _cargo_with_xtask"), "it stays in front: {offered:?}");
}
