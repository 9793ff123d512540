//! The values that a deployment publishes, read from its SSM parameters.

use std::collections::BTreeMap;

use anyhow::{Context, Result, bail};
use extension_spec::deployment::{SSM_PARAMETERS, STACK, SsmParameter, stack_name};
use kinesis_telemetry_args::Deployment;
use kinesis_telemetry_stream::Aws;

/// The key of the test function's name, which only stages publish.
const TEST_FUNCTION: &str = "testFunctionName";

/// The values of a deployment, by the key that the specification gives them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Values(pub(crate) BTreeMap<&'static str, String>);

impl Values {
    /// Reads the parameters that exist.
    pub(crate) async fn read(deployment: &Deployment, aws: &Aws) -> Result<Self> {
        let client = aws_sdk_ssm::Client::new(&aws.config);
        let name = |it: &SsmParameter| it.of(deployment.name.as_deref());
        let names = SSM_PARAMETERS.iter().map(name).collect();
        let answer = client
            .get_parameters()
            .set_names(Some(names))
            .send()
            .await
            .map_err(|e| aws.explain("reading the parameters", "ssm:GetParameters", &e))?;
        let mut values = BTreeMap::new();
        for parameter in answer.parameters() {
            let of = SSM_PARAMETERS.iter().find(|it| parameter.name() == Some(&name(it)));
            if let Some((it, value)) = of.zip(parameter.value()) {
                values.insert(it.key, value.to_owned());
            }
        }
        Ok(Self(values))
    }

    /// Reads the values of a deployment. Fails if it does not exist.
    pub(crate) async fn of(deployment: &Deployment, aws: &Aws) -> Result<Self> {
        let values = Self::read(deployment, aws).await?;
        values.require(deployment, &aws.place("SSM"))?;
        Ok(values)
    }

    /// Returns the name of the stack if another app made it with the construct. Such a stack has no stage and no test function.
    pub(crate) fn own_stack(&self) -> Option<&str> {
        let stack = self.0.get("stackName")?.as_str();
        self.stage().is_none().then_some(stack)
    }

    /// Returns the stage of the deployment, if `cargo xtask deploy` made it.
    fn stage(&self) -> Option<&str> {
        let rest = self.0.get("stackName")?.strip_prefix(STACK)?.strip_prefix('-')?;
        Some(rest.split_once('-').map_or(rest, |(stage, _)| stage))
    }

    /// Returns the command that deploys this deployment again.
    pub(crate) fn redeploy(&self, deployment: &Deployment) -> String {
        match (self.own_stack(), self.stage()) {
            (Some(stack), _) => format!("deploy the stack {stack} again"),
            (None, stage) => {
                format!("cargo xtask deploy {}{}", stage.unwrap_or("STAGE"), named(deployment))
            }
        }
    }

    /// Fails if the deployment does not exist, or if it is of another stage.
    pub(crate) fn require(&self, deployment: &Deployment, place: &str) -> Result<()> {
        let Deployment { stage, name } = deployment;
        let named = named(deployment);
        let Some(stack) = self.0.get("stackName") else {
            let (first, _) =
                SSM_PARAMETERS.split_first().expect("the specification lists parameters");
            let parameter = first.of(name.as_deref());
            let deployment = name
                .as_ref()
                .map_or("no deployment".to_owned(), |name| format!("no deployment named {name}"));
            match stage {
                Some(stage) => bail!(
                    "{stage}{named} is not deployed at {place}: the parameter {parameter} does not exist; deploy it with \
                     \"cargo xtask deploy {stage}{named}\", or check AWS_REGION, AWS_PROFILE and --name"
                ),
                None => bail!(
                    "{deployment} at {place}: the parameter {parameter} does not exist; check --region, --profile and --name, \
                     or read any stream with --stream"
                ),
            }
        };
        if let Some(stage) = stage
            && self.own_stack().is_none()
            && *stack != stack_name(stage, name.as_deref())
        {
            bail!(
                "the deployment{named} at {place} is the stack {stack}, not the stage {stage}: use its stage, or check \
                 AWS_REGION, AWS_PROFILE and --name"
            );
        }
        Ok(())
    }

    /// Returns the value of this key.
    pub(crate) fn get(&self, key: &str) -> Result<&str> {
        let value = self.0.get(key).map(String::as_str);
        value.with_context(|| {
            if let Some(stack) = self.own_stack().filter(|_| key == TEST_FUNCTION) {
                return format!(
                    "the stack {stack} has no test function, only deployments of cargo xtask deploy have one: see what arrives \
                     with kinesis-telemetry tail"
                );
            }
            let name = SSM_PARAMETERS.iter().find(|it| it.key == key).map_or(key, |it| it.name);
            format!("the parameter {name} is missing: deploy the stage again")
        })
    }

    /// Returns the parameters that should exist but do not.
    pub(crate) fn missing(&self) -> Vec<&'static SsmParameter> {
        let is_missing = |it: &&SsmParameter| !self.0.contains_key(it.key);
        let is_due = |it: &&SsmParameter| it.key != TEST_FUNCTION || self.own_stack().is_none();
        SSM_PARAMETERS.iter().filter(is_missing).filter(is_due).collect()
    }
}

/// Returns the option that names a deployment, with a space before it.
pub(crate) fn named(deployment: &Deployment) -> String {
    deployment.name.as_ref().map(|name| format!(" --name {name}")).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn required(stack: Option<&str>, stage: &str, name: Option<&str>) -> Result<()> {
        let values = Values(stack.map(|it| ("stackName", it.to_owned())).into_iter().collect());
        let stage = Some(stage.to_owned()).filter(|it| !it.is_empty());
        let deployment = Deployment { stage, name: name.map(str::to_owned) };
        values.require(&deployment, "AWS in region eu-central-1")
    }

    #[test]
    fn a_deployment_is_identified_by_name_and_stage() {
        required(Some("KinesisTelemetry-dev"), "dev", None).unwrap();
        required(Some("KinesisTelemetry-dev-blue"), "dev", Some("blue")).unwrap();
        for (stack, stage, name) in [
            ("KinesisTelemetry-prod", "dev", None),
            ("KinesisTelemetry-dev-blue", "dev", None),
            ("KinesisTelemetry-dev", "dev", Some("blue")),
        ] {
            let error = required(Some(stack), stage, name).unwrap_err().to_string();
            assert!(error.contains(stack) && error.contains("AWS_REGION"), "{error}");
        }
    }

    #[test]
    fn a_stack_of_another_app_has_no_stage_and_no_test_function() {
        for name in [None, Some("shop")] {
            required(Some("Telemetry"), "dev", name).unwrap();
            required(Some("Shop-prod"), "dev", name).unwrap();
        }
        let of = |stack: &str| Values([("stackName", stack.to_owned())].into_iter().collect());
        let lacks = |values: &Values| values.missing().iter().any(|it| it.key == TEST_FUNCTION);
        let (own, stage) = (of("Telemetry"), of("KinesisTelemetry-dev"));
        assert!(!lacks(&own) && lacks(&stage));
        let error = own.get(TEST_FUNCTION).unwrap_err().to_string();
        assert!(error.contains("the stack Telemetry has no test function"), "{error}");
    }

    #[test]
    fn without_a_stage_any_deployment_of_the_name_is_accepted() {
        for stack in ["KinesisTelemetry-dev", "KinesisTelemetry-prod", "Telemetry"] {
            required(Some(stack), "", None).unwrap();
        }
        let error = required(None, "", Some("blue")).unwrap_err().to_string();
        for words in ["no deployment named blue at AWS in region eu-central-1", "--stream"] {
            assert!(error.contains(words), "{error}");
        }
    }

    #[test]
    fn the_redeploy_command_has_stage_and_name() {
        let again = |stack: &str, name: Option<&str>| {
            let values = Values([("stackName", stack.to_owned())].into_iter().collect());
            values.redeploy(&Deployment { stage: None, name: name.map(str::to_owned) })
        };
        assert_eq!(again("KinesisTelemetry-dev", None), "cargo xtask deploy dev");
        assert_eq!(
            again("KinesisTelemetry-dev-blue", Some("blue")),
            "cargo xtask deploy dev --name blue"
        );
        assert_eq!(again("Shop-prod", Some("shop")), "deploy the stack Shop-prod again");
    }

    #[test]
    fn a_missing_deployment_is_reported_with_its_deploy_command() {
        let error = required(None, "dev", Some("blue")).unwrap_err().to_string();
        for word in [
            "region eu-central-1",
            "/telemetry/kinesis/blue/",
            "cargo xtask deploy dev --name blue",
        ] {
            assert!(error.contains(word), "{error}");
        }
    }
}
