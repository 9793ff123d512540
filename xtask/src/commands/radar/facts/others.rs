//! Services of which one fact or two are repeated.

use super::Subject::{Member, Shape};
use super::What::{Enum, Max, Says};
use super::{Fact, at, reads};

pub(super) fn facts() -> Vec<Fact> {
    let deployment = "extension/spec/src/deployment.rs";
    vec![
        Fact {
            service: "ssm",
            subject: Shape("ParameterNameList"),
            what: Max,
            places: vec![
                at(deployment, "const SSM_PARAMETERS: [SsmParameter; #]")
                    .within("one GetParameters asks for all of them"),
            ],
        },
        Fact {
            service: "cloudformation",
            subject: Member("CreateStackInput", "StackName"),
            what: Says("can't be longer than # characters"),
            places: vec![at(deployment, "limited to # characters")],
        },
        Fact {
            service: "firehose",
            subject: Member("ProcessorParameter", "ParameterName"),
            what: Says("`BufferSizeInMBs` ranges between # MB"),
            places: vec![at("docs/consuming.md", "buffer for the function to # MB (the least)")],
        },
        Fact {
            service: "kms",
            subject: Shape("KeyManagerType"),
            what: Enum,
            places: vec![reads(
                "cli/src/doctor/stream.rs",
                "key.key_manager() != Some(&KeyManagerType::Aws)",
                &["AWS", "CUSTOMER"],
            )],
        },
        Fact {
            service: "iam",
            subject: Shape("PolicyEvaluationDecisionType"),
            what: Enum,
            places: vec![reads(
                "cli/src/doctor/role.rs",
                "use PolicyEvaluationDecisionType::{Allowed, ExplicitDeny};",
                &["allowed", "explicitDeny", "implicitDeny"],
            )],
        },
    ]
}
