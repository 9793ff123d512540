//! What a function has of the telemetry, and what is wrong with it. Pure but for [`Facts::of`], which reads an answer of Lambda's.

use aws_sdk_lambda::operation::get_function_configuration::GetFunctionConfigurationOutput;
use extension_spec::variable;

use super::finding::Verdict;
use crate::deployment::Values;

/// A function, as far as its telemetry is concerned.
#[derive(Clone, Debug, Default)]
pub(super) struct Facts {
    name: String,
    /// ARN of its role.
    pub(super) role: String,
    architecture: String,
    /// ARNs of its layers' versions.
    layers: Vec<String>,
    variables: Vec<(String, String)>,
    /// Why it cannot be invoked, if so.
    trouble: Option<String>,
    is_image: bool,
}

impl Facts {
    pub(super) fn of(name: &str, answer: &GetFunctionConfigurationOutput) -> Self {
        use aws_sdk_lambda::types::{PackageType, State};
        let trouble = match answer.state() {
            Some(State::Failed) => {
                Some(answer.state_reason().unwrap_or("it has failed").to_owned())
            }
            _ => None,
        };
        let variables = answer.environment().and_then(|it| it.variables());
        Self {
            name: name.to_owned(),
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
            trouble,
            is_image: answer.package_type() == Some(&PackageType::Image),
        }
    }

    fn variable(&self, name: &str) -> Option<&str> {
        self.variables.iter().find(|it| it.0 == name).map(|it| it.1.as_str())
    }
}

pub(super) fn judge(facts: &Facts, values: &Values) -> Verdict {
    let name = &facts.name;
    if let Some(trouble) = &facts.trouble {
        return Verdict::broken(
            format!("{name} cannot be invoked: {trouble}"),
            "update or delete the function",
        );
    }
    let layer = if facts.is_image {
        Ok("an image, whose contents nobody can see from here".to_owned())
    } else {
        layer(facts, values)
    };
    let layer = match layer {
        Ok(layer) => layer,
        Err(broken) => return broken,
    };
    let loaded = extension_spec::load(facts.variables.iter().map(|(name, value)| (name, value)));
    if let Some(problem) = loaded.problems.first() {
        return Verdict::broken(
            format!("{name} has a setting that cannot be used: {problem}"),
            "mend the variable",
        );
    }
    if !loaded.config.enabled {
        let why = format!("{name} has the extension switched off");
        return Verdict::broken(why, format!("remove the variable {}", variable::ENABLED));
    }
    let stream = values.0.get("streamArn").map_or("", String::as_str);
    match facts.variable(variable::STREAM) {
        None => Verdict::broken(
            format!("{name} has no variable {}, so nothing is delivered", variable::STREAM),
            format!("set {}={stream}", variable::STREAM),
        ),
        // A name stands for the stream of the function's own account and region.
        Some(own) if own != stream && stream.rsplit('/').next() != Some(own) => Verdict::broken(
            format!("{name} delivers to {own}, which is not this deployment's stream"),
            format!("set {}={stream}, or look there", variable::STREAM),
        ),
        Some(_) => Verdict::well(format!("{name} ({}) with {layer}", facts.architecture)),
    }
}

/// What it has of our layers.
fn layer(facts: &Facts, values: &Values) -> Result<String, Verdict> {
    let Facts { name, architecture, layers, .. } = facts;
    let (own, other) = match architecture.as_str() {
        "arm64" => ("layerArnArm64", "layerArnX86_64"),
        _ => ("layerArnX86_64", "layerArnArm64"),
    };
    let arn = |key: &str| values.0.get(key).map_or("", String::as_str);
    // Without the number of the version.
    let of = |arn: &str| arn.rsplit_once(':').map(|(layer, _)| layer.to_owned());
    let has = |wanted: &str| layers.iter().find(|it| of(it).is_some() && of(it) == of(wanted));
    match (has(arn(own)), has(arn(other))) {
        (Some(version), _) if version == arn(own) => Ok("the layer that is published".to_owned()),
        (Some(version), _) => Ok(format!("{version}; the newest is {}", arn(own))),
        (None, Some(wrong)) => Err(Verdict::broken(
            format!("{name} is {architecture} and has {wrong}, with which it fails at init"),
            format!("give it {} instead", arn(own)),
        )),
        (None, None) => Err(Verdict::broken(
            format!("{name} does not have the layer"),
            format!("add {} to its layers (cargo xtask outputs says how)", arn(own)),
        )),
    }
}

#[cfg(test)]
mod tests {
    use extension_spec::ENV_PREFIX;

    use super::*;

    const STREAM: &str = "arn:aws:kinesis:eu-central-1:111122223333:stream/telemetry";

    fn values() -> Values {
        let layer = |name: &str| format!("arn:aws:lambda:eu-central-1:111122223333:layer:{name}:2");
        let values = [
            ("layerArnX86_64", layer("x86")),
            ("layerArnArm64", layer("arm")),
            ("streamArn", STREAM.to_owned()),
        ];
        Values(values.into_iter().collect())
    }

    fn good() -> Facts {
        Facts {
            name: "orders".into(),
            architecture: "x86_64".into(),
            layers: vec![values().0["layerArnX86_64"].clone()],
            variables: vec![(variable::STREAM.to_owned(), STREAM.to_owned())],
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
    fn a_function_with_layer_and_stream_is_well_also_by_name_and_with_an_older_version() {
        assert_eq!(
            judge(&good(), &values()),
            Verdict::well("orders (x86_64) with the layer that is published")
        );
        let mut facts = good();
        facts.variables[0].1 = "telemetry".to_owned();
        facts.layers[0] = facts.layers[0].replace(":2", ":1");
        let Verdict::Well { that } = judge(&facts, &values()) else { panic!("{facts:?}") };
        assert!(that.contains("x86:1; the newest is"), "{that}");
    }

    #[test]
    fn what_is_wrong_is_named_with_what_mends_it() {
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
            (changed(&|it| it.architecture = "arm64".into()), "fails at init: give it arn:"),
            (changed(&|it| it.variables.clear()), "has no variable KINESIS_TELEMETRY_STREAM"),
            (changed(&|it| it.variables[0].1 = "other".into()), "delivers to other"),
            (changed(&|it| it.trouble = Some("no image".into())), "cannot be invoked: no image"),
            (set("ENABLED", "false"), "switched off: remove the variable"),
            (set("BUFFER_TIMEOUT_MS", "soon"), "BUFFER_TIMEOUT_MS"),
        ] {
            assert!(found.contains(expected), "{found}");
        }
    }
}
