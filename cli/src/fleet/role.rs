//! The deployment's policy and the roles of functions.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use aws_sdk_iam::Client;
use aws_sdk_iam::config::retry::RetryConfig;
use aws_sdk_iam::operation::detach_role_policy::DetachRolePolicyError;
use aws_sdk_iam::operation::list_attached_role_policies::ListAttachedRolePoliciesError;
use aws_sdk_iam::types::SummaryKeyType;
use kinesis_telemetry_stream::Aws;
use tokio::sync::Mutex;

use super::paced::{Pace, is_transient};
use super::reason::{Reason, Why};
use super::write::{Verdict, verdict};

/// Calls to IAM per second. IAM does not publish its limits.
const RATE: u32 = 10;
const BURST: Duration = Duration::from_secs(2);
/// Largest number of policies of a role, unless the account has a higher quota (IAM quotas).
const MOST_POLICIES: usize = 10;
/// Tag that `CloudFormation` sets.
const STACK: &str = "aws:cloudformation:stack-name";

/// The roles of an account, and their relation to the policy of a deployment.
pub(super) struct Roles {
    aws: Aws,
    client: Client,
    pace: Pace,
    policy: String,
    include_managed: bool,
    quota: Cell<Option<usize>>,
    /// The facts by ARN of the role.
    known: RefCell<BTreeMap<String, Result<Facts, Why>>>,
    /// Roles that were read again directly before their first change.
    asked_again: RefCell<BTreeSet<String>>,
    /// Serialises reads, because several functions share a role.
    turn: Mutex<()>,
}

/// The facts about a role.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Facts {
    pub(super) is_attached: bool,
    /// The reason why the policy cannot be attached or detached, if there is one.
    pub(super) obstacle: Option<Why>,
    /// True if the role does not exist.
    pub(super) is_gone: bool,
}

impl Roles {
    pub(super) fn new(aws: &Aws, policy: &str, include_managed: bool) -> Self {
        let config = aws_sdk_iam::config::Builder::from(&aws.config);
        let client = Client::from_conf(config.retry_config(RetryConfig::disabled()).build());
        Self {
            aws: aws.clone(),
            client,
            pace: Pace::new(RATE, BURST),
            policy: policy.to_owned(),
            include_managed,
            quota: Cell::new(None),
            known: RefCell::default(),
            asked_again: RefCell::default(),
            turn: Mutex::new(()),
        }
    }

    pub(super) fn policy(&self) -> &str {
        &self.policy
    }

    /// Returns the facts about a role. Each role is read once.
    pub(super) async fn facts(&self, role: &str) -> Result<Facts, Why> {
        let _turn = self.turn.lock().await;
        self.ask_once(role).await
    }

    async fn ask_once(&self, role: &str) -> Result<Facts, Why> {
        if let Some(facts) = self.known.borrow().get(role) {
            return facts.clone();
        }
        let facts = self.ask(role).await;
        self.known.borrow_mut().insert(role.to_owned(), facts.clone());
        facts
    }

    /// Attaches or detaches the policy, unless that is already done. `announce` is called before the change, and `cancel` once it
    /// is certain that nothing was changed.
    pub(super) async fn set(
        &self,
        role: &str,
        is_attached: bool,
        announce: impl FnOnce() -> Result<(), Verdict>,
        cancel: impl FnOnce() -> Result<(), Verdict>,
    ) -> Result<bool, Verdict> {
        let _turn = self.turn.lock().await;
        // If others have attached the policy since the plan, it is theirs.
        if self.asked_again.borrow_mut().insert(role.to_owned()) {
            self.known.borrow_mut().remove(role);
        }
        let facts = self.ask_once(role).await.map_err(Verdict::Leave)?;
        if facts.is_attached == is_attached {
            return Ok(false);
        }
        if let Some(why) = facts.obstacle {
            return Err(Verdict::Leave(why));
        }
        announce()?;
        let is_unclear = Cell::new(false);
        let answer = if is_attached {
            self.attach(role, &is_unclear).await
        } else {
            self.detach(role, &is_unclear).await
        };
        match answer {
            Ok(()) => {}
            Err(Verdict::Changed | Verdict::Unknown | Verdict::Wait) => {
                return Err(Verdict::Leave(Reason::NoAnswer.into()));
            }
            Err(refused) if is_unclear.get() => return Err(refused),
            Err(refused) => {
                cancel()?;
                return Err(refused);
            }
        }
        let facts = Facts { is_attached, ..Facts::default() };
        self.known.borrow_mut().insert(role.to_owned(), Ok(facts));
        Ok(true)
    }

    /// Attaches the policy. `is_unclear` becomes true if a failed attempt may have succeeded.
    async fn attach(&self, role: &str, is_unclear: &Cell<bool>) -> Result<(), Verdict> {
        let (name, policy) = (name(role), &self.policy);
        let call = || self.client.attach_role_policy().role_name(name).policy_arn(policy).send();
        let answer = self.pace.call(|it| marked(is_transient(it), is_unclear), call).await;
        let doing = "attaching the policy to a role";
        answer.map_err(|it| verdict(&self.aws, doing, "iam:AttachRolePolicy", &it))?;
        Ok(())
    }

    async fn detach(&self, role: &str, is_unclear: &Cell<bool>) -> Result<(), Verdict> {
        let (name, policy) = (name(role), &self.policy);
        let call = || self.client.detach_role_policy().role_name(name).policy_arn(policy).send();
        match self.pace.call(|it| marked(is_transient(it), is_unclear), call).await {
            Err(error)
                if error
                    .as_service_error()
                    .is_some_and(DetachRolePolicyError::is_no_such_entity_exception) =>
            {
                Ok(())
            }
            answer => {
                let doing = "detaching the policy from a role";
                answer.map_err(|it| verdict(&self.aws, doing, "iam:DetachRolePolicy", &it))?;
                Ok(())
            }
        }
    }

    async fn ask(&self, role: &str) -> Result<Facts, Why> {
        let (name, mut marker, mut count) = (name(role), None::<String>, 0);
        loop {
            let call = || {
                let request = self.client.list_attached_role_policies().role_name(name);
                request.set_marker(marker.clone()).send()
            };
            let page = match self.pace.call(is_transient, call).await {
                Ok(page) => page,
                Err(error) => {
                    let is_gone = error
                        .as_service_error()
                        .is_some_and(ListAttachedRolePoliciesError::is_no_such_entity_exception);
                    let doing = "reading the policies of a role";
                    let permission = "iam:ListAttachedRolePolicies";
                    let why = verdict(&self.aws, doing, permission, &error).why();
                    if !is_gone {
                        return Err(why);
                    }
                    return Ok(Facts { is_attached: false, obstacle: Some(why), is_gone });
                }
            };
            count += page.attached_policies().len();
            let mut policies = page.attached_policies().iter();
            if policies.any(|it| it.policy_arn() == Some(&self.policy)) {
                let obstacle = self.managed(name).await;
                return Ok(Facts { is_attached: true, obstacle, is_gone: false });
            }
            let next = page.marker.filter(|it| page.is_truncated && !it.is_empty());
            match next.filter(|it| marker.as_ref() != Some(it)) {
                Some(next) => marker = Some(next),
                None => break,
            }
        }
        let mut obstacle = self.managed(name).await;
        if obstacle.is_none() && count >= MOST_POLICIES && count >= self.quota().await {
            obstacle = Some(Reason::RoleFull.with(format!("{name} has {count}")));
        }
        Ok(Facts { is_attached: false, obstacle, is_gone: false })
    }

    /// Returns the stack that manages a role, according to its tags.
    async fn managed(&self, name: &str) -> Option<Why> {
        if self.include_managed {
            return None;
        }
        let call = || self.client.get_role().role_name(name).send();
        let role = match self.pace.call(is_transient, call).await {
            Ok(answer) => answer.role?,
            // A stack may manage the role.
            Err(error) => {
                let doing = "reading the tags of a role";
                return Some(verdict(&self.aws, doing, "iam:GetRole", &error).why());
            }
        };
        let stack = role.tags().iter().find(|it| it.key() == STACK)?;
        Some(Reason::RoleManaged.with(format!("{name}, stack {}", stack.value())))
    }

    /// Returns the largest number of policies of a role in this account.
    async fn quota(&self) -> usize {
        if let Some(quota) = self.quota.get() {
            return quota;
        }
        let call = || self.client.get_account_summary().send();
        let summary = self.pace.call(is_transient, call).await.ok();
        let key = SummaryKeyType::AttachedPoliciesPerRoleQuota;
        let quota = summary.and_then(|it| it.summary_map?.get(&key).copied());
        let quota = quota.and_then(|it| usize::try_from(it).ok()).unwrap_or(MOST_POLICIES);
        self.quota.set(Some(quota));
        quota
    }
}

/// Returns `is_transient`, and notes a failed attempt that may have succeeded.
fn marked(is_transient: bool, is_unclear: &Cell<bool>) -> bool {
    is_unclear.set(is_unclear.get() || is_transient);
    is_transient
}

/// Returns the name of a role: the last part of its ARN.
pub(super) fn name(role: &str) -> &str {
    role.rsplit('/').next().unwrap_or(role)
}
