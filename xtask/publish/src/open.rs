//! The permission by which other accounts may use a layer version.

use anyhow::{Context as _, Result, bail};
use aws_sdk_lambda::error::ProvideErrorMetadata as _;
use serde_json::Value;

use crate::layer::Version;
use crate::place::Place;
use crate::release::Layer;

/// The name of our statement in the policy of a layer version.
const STATEMENT: &str = "open";
const ACTION: &str = "lambda:GetLayerVersion";

/// Returns true if a version is open to the intended accounts. Fails if our statement allows something else.
pub(crate) async fn is_open(
    place: &Place,
    layer: &Layer,
    version: &Version,
    organization: Option<&str>,
) -> Result<bool> {
    let name = layer.architecture.layer();
    place.turn().await;
    let policy = place.lambda.get_layer_version_policy().layer_name(&name);
    let policy = match policy.version_number(version.number).send().await {
        Ok(answer) => answer.policy.unwrap_or_default(),
        Err(error) if error.code() == Some("ResourceNotFoundException") => return Ok(false),
        Err(error) => {
            let doing = format!("reading the policy of {}", version.arn);
            return Err(place.aws.explain(&doing, "lambda:GetLayerVersionPolicy", &error));
        }
    };
    let policy: Value = serde_json::from_str(&policy)
        .with_context(|| format!("the policy of {} is not JSON", version.arn))?;
    let statements = policy["Statement"].as_array().map(Vec::as_slice).unwrap_or_default();
    let Some(own) = statements.iter().find(|it| it["Sid"] == STATEMENT) else {
        return Ok(false);
    };
    if !allows(own, organization) {
        bail!(
            "the statement {STATEMENT:?} in the policy of {} is not the one that this command writes: {own}. Remove it (aws lambda \
             remove-layer-version-permission --region {} --layer-name {name} --version-number {} --statement-id {STATEMENT}), or \
             give the same --organization as before",
            version.arn,
            place.region(),
            version.number,
        );
    }
    Ok(true)
}

/// Returns true if a statement lets every account use the version, or those of an organization.
fn allows(statement: &Value, organization: Option<&str>) -> bool {
    let principal = &statement["Principal"];
    let is_for_all = *principal == "*" || principal["AWS"] == "*";
    let condition = statement["Condition"]["StringEquals"]["aws:PrincipalOrgID"].as_str();
    let has_condition = !statement["Condition"].is_null();
    statement["Effect"] == "Allow"
        && statement["Action"] == ACTION
        && is_for_all
        && condition == organization
        && has_condition == organization.is_some()
}

/// Opens a version unless it is open. Returns true if it was opened now.
pub(crate) async fn open(
    place: &Place,
    layer: &Layer,
    version: &Version,
    organization: Option<&str>,
) -> Result<bool> {
    if is_open(place, layer, version, organization).await? {
        return Ok(false);
    }
    place.turn().await;
    let permission = place
        .lambda
        .add_layer_version_permission()
        .layer_name(layer.architecture.layer())
        .version_number(version.number)
        .statement_id(STATEMENT)
        .action(ACTION)
        .principal("*")
        .set_organization_id(organization.map(str::to_owned));
    match permission.send().await {
        Ok(_) => Ok(true),
        // An earlier attempt succeeded, but its response was lost.
        Err(error) if error.code() == Some("ResourceConflictException") => {
            is_open(place, layer, version, organization).await
        }
        Err(error) => {
            let doing = format!("opening {}", version.arn);
            Err(place.aws.explain(&doing, "lambda:AddLayerVersionPermission", &error))
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::allows;

    #[test]
    fn a_statement_allows_all_accounts_or_those_of_one_organization() {
        let all =
            json!({ "Effect": "Allow", "Action": "lambda:GetLayerVersion", "Principal": "*" });
        let mut of_one = all.clone();
        of_one["Condition"] = json!({ "StringEquals": { "aws:PrincipalOrgID": "o-1" } });
        assert!(allows(&all, None) && !allows(&all, Some("o-1")));
        assert!(allows(&of_one, Some("o-1")) && !allows(&of_one, Some("o-2")));
        assert!(!allows(&of_one, None));
        let mut one_account = all.clone();
        one_account["Principal"] = json!({ "AWS": "arn:aws:iam::111122223333:root" });
        let mut denied = all;
        denied["Effect"] = json!("Deny");
        assert!(!allows(&one_account, None) && !allows(&denied, None));
    }
}
