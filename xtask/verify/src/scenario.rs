//! The scenarios for the functions of the stack for verification, and for the sandbox.

use std::time::Duration;

use extension_sandbox::Mode;

/// Invocations of one function that has never been invoked before.
#[derive(Debug)]
pub(crate) struct Scenario {
    /// Its name, and that of its functions in infra-cdk/lib/verification-stack.ts.
    pub(crate) name: &'static str,
    /// The payloads, in order.
    pub(crate) payloads: &'static [&'static str],
    /// The payloads for the sandbox, where they are others.
    pub(crate) in_sandbox: &'static [&'static str],
    /// The number of concurrent invocations of each payload.
    pub(crate) at_once: usize,
    /// The initialization type of the function.
    pub(crate) mode: Mode,
    /// The function's timeout, as the stack has it.
    pub(crate) timeout: Duration,
    /// The reason why an emulator of AWS cannot run it.
    pub(crate) not_on_emulators: Option<&'static str>,
}

const SUCCESS: &str = r#"{"lines":3,"bytes":0}"#;
const SLOW: &str = r#"{"lines":3,"bytes":0,"sleepMs":500}"#;
const FAIL: &str = r#"{"lines":1,"bytes":0,"end":"fail"}"#;
const TIMEOUT: &str = r#"{"lines":1,"bytes":0,"end":"timeout"}"#;
const EXIT: &str = r#"{"lines":1,"bytes":0,"end":"exit"}"#;
const ALLOCATE: &str = r#"{"lines":1,"bytes":0,"allocateMb":512}"#;

const ORDINARY: Scenario = Scenario {
    name: "",
    payloads: &[],
    in_sandbox: &[],
    at_once: 1,
    mode: Mode::OnDemand,
    timeout: Duration::from_secs(30),
    not_on_emulators: None,
};

/// Every scenario. The first invocation of each is a cold start.
pub(crate) static SCENARIOS: [Scenario; 8] = [
    Scenario { name: "cold-and-warm", payloads: &[SUCCESS, SUCCESS, SUCCESS], ..ORDINARY },
    Scenario { name: "failure", payloads: &[SUCCESS, FAIL, SUCCESS], ..ORDINARY },
    Scenario {
        name: "timeout",
        payloads: &[SUCCESS, TIMEOUT, SUCCESS],
        timeout: Duration::from_secs(10),
        ..ORDINARY
    },
    Scenario { name: "crash", payloads: &[SUCCESS, EXIT, SUCCESS], ..ORDINARY },
    Scenario {
        name: "out-of-memory",
        payloads: &[SUCCESS, ALLOCATE, SUCCESS],
        // The sandbox limits no memory.
        in_sandbox: &[SUCCESS, EXIT, SUCCESS],
        not_on_emulators: Some("an emulator does not limit a function's memory"),
        ..ORDINARY
    },
    Scenario { name: "burst", payloads: &[SLOW, SLOW], at_once: 8, ..ORDINARY },
    Scenario {
        name: "provisioned-concurrency",
        payloads: &[SUCCESS, SUCCESS],
        mode: Mode::ProvisionedConcurrency,
        not_on_emulators: Some(
            "the sandbox that stands in for Lambda in an emulator initialises on demand only",
        ),
        ..ORDINARY
    },
    Scenario {
        name: "snap-start",
        payloads: &[SUCCESS, SUCCESS],
        mode: Mode::SnapStart,
        not_on_emulators: Some(
            "SnapStart takes a managed runtime, and the sandbox that stands in for Lambda in an emulator has none",
        ),
        ..ORDINARY
    },
];

impl Scenario {
    /// Returns the payloads for the sandbox.
    pub(crate) fn sandbox_payloads(&self) -> &'static [&'static str] {
        if self.in_sandbox.is_empty() { self.payloads } else { self.in_sandbox }
    }

    /// Returns how many invocations there are.
    pub(crate) fn invocations(&self) -> usize {
        self.payloads.len() * self.at_once
    }

    /// Returns a payload that leaves no line, for as many invocations at once as the scenario has. Each environment has one of
    /// them, so that it delivers what it still holds.
    pub(crate) fn flush(&self) -> &'static str {
        if self.at_once == 1 { r#"{"lines":0}"# } else { r#"{"lines":0,"sleepMs":500}"# }
    }
}

#[cfg(test)]
mod tests {
    use extension_spec::deployment::Architecture;

    use super::SCENARIOS;

    /// The stack as it was reviewed.
    const STACK: &str = include_str!("../../../infra-cdk/test/snapshots/verification.txt");
    const DOCUMENT: &str = include_str!("../../../docs/verification.md");

    #[test]
    fn every_scenario_has_a_function_of_each_architecture_with_its_timeout() {
        let mut functions = STACK.split("\nAWS::").filter(|it| it.starts_with("Lambda::Function "));
        for scenario in &SCENARIOS {
            for architecture in Architecture::ALL {
                let name = format!(": {}-{}\n", scenario.name, architecture.name());
                let function = functions.clone().find(|it| it.contains(&name)).expect(&name);
                let timeout = format!("  Timeout: {}", scenario.timeout.as_secs());
                assert!(function.lines().any(|it| it == timeout), "{function}");
            }
        }
        assert_eq!(functions.by_ref().count(), (SCENARIOS.len() + 1) * Architecture::ALL.len());
    }

    #[test]
    fn every_scenario_is_documented() {
        for scenario in &SCENARIOS {
            assert!(DOCUMENT.contains(&format!("\n| `{}` |", scenario.name)), "{}", scenario.name);
        }
    }
}
