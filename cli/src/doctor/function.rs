//! Checks a function's layers and variables for the extension. Pure, except for [`Facts::of`], which reads a response of Lambda.

use aws_sdk_lambda::operation::get_function_configuration::GetFunctionConfigurationOutput;
use extension_spec::{Config, Loaded, Sample, variable};

use super::finding::{Finding, Verdict};
use crate::deployment::Values;

/// The properties of a function that concern its telemetry.
#[derive(Clone, Debug, Default)]
pub(super) struct Facts {
    name: String,
    arn: String,
    /// ARN of its role.
    pub(super) role: String,
    architecture: String,
    /// ARNs of its layers' versions.
    layers: Vec<String>,
    variables: Vec<(String, String)>,
    /// The reason why its environment could not be read, if it could not.
    unreadable: Option<String>,
    /// The reason why it cannot be invoked, or why its last update failed, if either is so.
    trouble: Option<String>,
    is_image: bool,
    /// The VPC to which it is attached, if there is one.
    vpc: Option<String>,
    /// True on managed instances, where the extension does not sample.
    is_managed: bool,
}

impl Facts {
    pub(super) fn of(name: &str, answer: &GetFunctionConfigurationOutput) -> Self {
        use aws_sdk_lambda::types::{LastUpdateStatus, PackageType, State};
        let why = |reason: Option<&str>| reason.unwrap_or("Lambda gives no reason").to_owned();
        let trouble = match (answer.state(), answer.last_update_status()) {
            (Some(State::Failed), _) => {
                Some(format!("cannot be invoked: {}", why(answer.state_reason())))
            }
            (_, Some(LastUpdateStatus::Failed)) => {
                let why = why(answer.last_update_status_reason());
                Some(format!(
                    "still has its previous configuration, because its last update failed: {why}"
                ))
            }
            _ => None,
        };
        let vpc = answer.vpc_config().and_then(|it| it.vpc_id());
        let variables = answer.environment().and_then(|it| it.variables());
        Self {
            name: name.to_owned(),
            arn: answer.function_arn().unwrap_or_default().to_owned(),
            vpc: vpc.filter(|id| !id.is_empty()).map(str::to_owned),
            role: answer.role().unwrap_or_default().to_owned(),
            architecture: answer
                .architectures()
                .first()
                .map_or("x86_64", |it| it.as_str())
                .to_owned(),
            layers: answer.layers().iter().filter_map(|it| it.arn().map(str::to_owned)).collect(),
            variables: variables
                .into_iter()
                .flatten()
                .map(|(k, v)| (k.clone(), v.clone()))
                .collect(),
            unreadable: answer.environment().and_then(|it| it.error()).map(|error| {
                let words = [error.error_code(), error.message()];
                words.into_iter().flatten().collect::<Vec<_>>().join(": ")
            }),
            trouble,
            is_image: answer.package_type() == Some(&PackageType::Image),
            is_managed: answer.capacity_provider_config().is_some(),
        }
    }

    /// Returns true if the function delivers to this stream, which it may name by its name or its ARN.
    fn delivers_to(&self, stream: &str) -> bool {
        // A name refers to the stream in the function's own region and account.
        let place =
            |arn: &str| arn.split(':').skip(3).take(2).map(str::to_owned).collect::<Vec<_>>();
        match self.variable(variable::STREAM) {
            Some(own) if own.starts_with("arn:") => own == stream,
            own => own == stream.rsplit('/').next() && place(&self.arn) == place(stream),
        }
    }

    fn settings(&self) -> Loaded {
        extension_spec::load(self.variables.iter().map(|(name, value)| (name, value)))
    }

    fn variable(&self, name: &str) -> Option<&str> {
        self.variables.iter().find(|it| it.0 == name).map(|it| it.1.as_str())
    }
}

pub(super) fn judge(facts: &Facts, values: &Values) -> Verdict {
    let name = &facts.name;
    if let Some(trouble) = &facts.trouble {
        return Verdict::broken(format!("{name} {trouble}"), "update or delete the function");
    }
    let layer = if facts.is_image {
        Ok("a container image, which doctor cannot inspect".to_owned())
    } else {
        layer(facts, values)
    };
    let layer = match layer {
        Ok(layer) => layer,
        Err(broken) => return broken,
    };
    if let Some(why) = &facts.unreadable {
        return Verdict::unknown(format!(
            "the environment of {name} cannot be read, which requires kms:Decrypt on its key ({why})"
        ));
    }
    let loaded = facts.settings();
    if let Some(problem) = loaded.problems.first() {
        return Verdict::broken(
            format!("{name} has an invalid setting: {problem}"),
            "correct the variable",
        );
    }
    if !loaded.config.enabled {
        let why = format!("the extension is switched off in {name}");
        return Verdict::broken(why, format!("remove the variable {}", variable::ENABLED));
    }
    let stream = values.0.get("streamArn").map_or("", String::as_str);
    match facts.variable(variable::STREAM) {
        None => Verdict::broken(
            format!("{name} has no variable {}, so nothing is delivered", variable::STREAM),
            format!("set {}={stream}", variable::STREAM),
        ),
        Some(own) if !facts.delivers_to(stream) => {
            let where_ =
                if own.starts_with("arn:") { "" } else { " of its own region and account" };
            Verdict::broken(
                format!("{name} delivers to {own}{where_}, which is not this deployment's stream"),
                format!("set {}={stream}, or look in that stream", variable::STREAM),
            )
        }
        Some(_) => letters(facts, values).unwrap_or_else(|| {
            Verdict::well(format!("{name} ({}) with {layer}", facts.architecture))
        }),
    }
}

/// Returns the problem with its dead-letter queue, if there is one.
fn letters(facts: &Facts, values: &Values) -> Option<Verdict> {
    let queue = values.0.get("deadLetterQueueUrl")?;
    let (name, variable) = (&facts.name, variable::DEAD_LETTER_QUEUE_URL);
    let why = match facts.variable(variable) {
        Some(own) if own == queue => return None,
        Some(own) => format!("{name} sends dead letters to {own}, which redrive does not read"),
        None => format!(
            "{name} has no variable {variable}, so records that the stream rejects are lost"
        ),
    };
    Some(Verdict::broken(why, format!("set {variable}={queue}")))
}

/// Returns notes about a function, whether it has problems or not.
pub(super) fn notes(facts: &Facts) -> impl Iterator<Item = Finding> {
    let network = facts.vpc.as_ref().map(|vpc| {
        format!(
            "{} is in {vpc}: if its subnets have no route to the internet, it needs VPC endpoints for kinesis-streams and sqs \
             (docs/deploying.md)",
            facts.name
        )
    });
    let notes = [("network", network), ("selection", selection(facts))];
    notes.into_iter().filter_map(|(what, note)| Some(Finding::new(what, Verdict::note(note?))))
}

/// Describes the invocations whose log lines a function delivers, unless it delivers all.
fn selection(facts: &Facts) -> Option<String> {
    let Config { sample, keep, .. } = facts.settings().config;
    if sample == Sample::All || facts.is_managed {
        return None;
    }
    let share = facts.variable(variable::SAMPLE)?.trim();
    Some(format!(
        "{} delivers log lines of ordinary invocations at a sample rate of {share}, and of all remarkable ones ({keep}; \
         docs/selecting.md)",
        facts.name
    ))
}

/// Returns the version of the extension's layer that it has.
fn layer(facts: &Facts, values: &Values) -> Result<String, Verdict> {
    let Facts { name, architecture, layers, .. } = facts;
    let (own, other) = match architecture.as_str() {
        "arm64" => ("layerArnArm64", "layerArnX86_64"),
        _ => ("layerArnX86_64", "layerArnArm64"),
    };
    let arn = |key: &str| values.0.get(key).map_or("", String::as_str);
    // Removes the version number.
    let of = |arn: &str| arn.rsplit_once(':').map(|(layer, _)| layer.to_owned());
    let has = |wanted: &str| layers.iter().find(|it| of(it).is_some() && of(it) == of(wanted));
    match (has(arn(own)), has(arn(other))) {
        (Some(_), Some(wrong)) => Err(Verdict::broken(
            format!(
                "{name} has the layers of both architectures, which contain the same file: the last one takes effect"
            ),
            format!("remove {wrong} from its layers"),
        )),
        (Some(version), _) if version == arn(own) => Ok("the published layer version".to_owned()),
        (Some(version), _) => Ok(format!("{version}; the newest is {}", arn(own))),
        (None, Some(wrong)) => Err(Verdict::broken(
            format!("{name} is {architecture} but has {wrong}, so it fails at init"),
            format!("replace it with {}", arn(own)),
        )),
        (None, None) => Err(Verdict::broken(
            format!("{name} does not have the layer"),
            format!("add {} to its layers (kinesis-telemetry outputs shows how)", arn(own)),
        )),
    }
}

#[cfg(test)]
mod tests {
    use extension_spec::ENV_PREFIX;

    use super::*;

    const QUEUE: &str = "https://sqs.eu-central-1.amazonaws.com/111122223333/letters";
    const STREAM: &str = "arn:aws:kinesis:eu-central-1:111122223333:stream/telemetry";

    fn values() -> Values {
        let layer = |name: &str| format!("arn:aws:lambda:eu-central-1:111122223333:layer:{name}:2");
        let values = [
            ("layerArnX86_64", layer("x86")),
            ("layerArnArm64", layer("arm")),
            ("streamArn", STREAM.to_owned()),
            ("deadLetterQueueUrl", QUEUE.to_owned()),
        ];
        Values(values.into_iter().collect())
    }

    fn good() -> Facts {
        Facts {
            name: "orders".into(),
            arn: "arn:aws:lambda:eu-central-1:111122223333:function:orders".into(),
            architecture: "x86_64".into(),
            layers: vec![values().0["layerArnX86_64"].clone()],
            variables: [(variable::STREAM, STREAM), (variable::DEAD_LETTER_QUEUE_URL, QUEUE)]
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .into(),
            ..Facts::default()
        }
    }

    fn why(facts: &Facts) -> String {
        match judge(facts, &values()) {
            Verdict::Broken { why, remedy } => format!("{why}: {remedy}"),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_function_with_layer_and_stream_is_healthy() {
        assert_eq!(
            judge(&good(), &values()),
            Verdict::well("orders (x86_64) with the published layer version")
        );
        let mut facts = good();
        facts.variables[0].1 = "telemetry".to_owned();
        facts.layers[0] = facts.layers[0].replace(":2", ":1");
        let Verdict::Well { that } = judge(&facts, &values()) else { panic!("{facts:?}") };
        assert!(that.contains("x86:1; the newest is"), "{that}");
    }

    #[test]
    fn each_problem_is_reported_with_its_remedy() {
        let changed = |change: &dyn Fn(&mut Facts)| {
            let mut facts = good();
            change(&mut facts);
            why(&facts)
        };
        let set = |name: &str, value: &str| {
            let (name, value) = (format!("{ENV_PREFIX}{name}"), value.to_owned());
            changed(&move |it| it.variables.push((name.clone(), value.clone())))
        };
        for (found, expected) in [
            (changed(&|it| it.layers.clear()), "does not have the layer: add arn:"),
            (
                changed(&|it| it.architecture = "arm64".into()),
                "fails at init: replace it with arn:",
            ),
            (changed(&|it| it.variables.clear()), "has no variable KINESIS_TELEMETRY_STREAM"),
            (changed(&|it| it.variables[0].1 = "other".into()), "delivers to other"),
            (changed(&|it| it.trouble = Some("has failed".into())), "orders has failed: update"),
            (
                changed(&|it| {
                    it.variables[0].1 = "telemetry".into();
                    it.arn = it.arn.replace("1111", "4444");
                }),
                "delivers to telemetry of its own region and account",
            ),
            (
                changed(&|it| drop(it.variables.pop())),
                "records that the stream rejects are lost: set",
            ),
            (changed(&|it| it.variables[1].1 += "2"), "letters2, which redrive does not read"),
            (
                changed(&|it| it.layers.push(values().0["layerArnArm64"].clone())),
                "the last one takes effect: remove arn:aws:lambda:eu-central-1:111122223333:layer:arm:2",
            ),
            (set("ENABLED", "false"), "switched off in orders: remove the variable"),
            (set("BUFFER_TIMEOUT_MS", "soon"), "BUFFER_TIMEOUT_MS"),
        ] {
            assert!(found.contains(expected), "{found}");
        }
    }

    #[test]
    fn a_selection_in_force_is_noted() {
        let noted = |set: &[(&str, &str)], is_managed| {
            let set =
                set.iter().map(|(name, value)| (format!("{ENV_PREFIX}{name}"), (*value).into()));
            let variables = good().variables.into_iter().chain(set).collect();
            selection(&Facts { variables, is_managed, ..good() })
        };
        let expected = "orders delivers log lines of ordinary invocations at a sample rate of 0.05, and of all remarkable ones \
         (failed,level:error; docs/selecting.md)";
        assert_eq!(noted(&[("SAMPLE", "0.05")], false).as_deref(), Some(expected));
        let slow = noted(&[("SAMPLE", "0"), ("KEEP", "slow:2000")], false).unwrap();
        assert!(slow.contains("sample rate of 0,") && slow.contains("(slow:2000;"), "{slow}");
        for everything in
            [&[][..], &[("SAMPLE", "1")], &[("SAMPLE", "2")], &[("SAMPLE", "0"), ("KEEP", "x")]]
        {
            assert_eq!(noted(everything, false), None, "{everything:?}");
        }
        assert_eq!(noted(&[("SAMPLE", "0.05")], true), None);
    }

    #[test]
    fn a_failed_update_of_a_function_is_reported() {
        let answer = GetFunctionConfigurationOutput::builder()
            .last_update_status(aws_sdk_lambda::types::LastUpdateStatus::Failed)
            .last_update_status_reason("no such key")
            .build();
        let text = why(&Facts::of("orders", &answer));
        let expected = "orders still has its previous configuration, because its last update failed: no such key";
        assert!(text.contains(expected), "{text}");
    }
}
