//! The completions, in a real shell.

use std::process::Command;

use crate::workspace;

/// What bash offers for the last of these words.
fn offered(words: &[&str]) -> Vec<String> {
    let script = format!(
        "source xtask/completions/cargo-xtask.bash\n\
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
    for command in crate::cli::command().get_subcommands() {
        assert!(offered.iter().any(|it| it == command.get_name()), "{offered:?}");
    }
}

#[test]
fn bash_offers_the_options_of_a_command_and_the_values_of_an_option() {
    assert!(offered(&["cargo", "xtask", "synth", "--c"]).contains(&"--check".to_owned()));
    assert_eq!(offered(&["cargo", "xtask", "demo", "--format", ""]), ["text", "json"]);
}

#[test]
fn bash_leaves_cargos_own_commands_alone() {
    assert_eq!(offered(&["cargo", "bu"]), [""]);
}
