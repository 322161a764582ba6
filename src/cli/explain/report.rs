//! What is said of a request: as text, and as JSON with the same names.

use std::borrow::Cow;
use std::fmt::Write;

use serde::Serialize;

use super::credential::Credential;
use crate::auth::Call;
use crate::cli::failure::Failure;
use crate::command::Command;
use crate::command::group::GroupRef;
use crate::command::member::Membership;
use crate::command::user::UserRef;
use crate::dialect::exchange::Effect;
use crate::observe::Redaction;
use crate::observe::line::{Loss, Refusal};

/// Everything that is said.
#[derive(Debug, Default, Serialize)]
pub(super) struct Report {
    /// Whether any of it would be refused.
    pub(super) refused: bool,
    pub(super) remarks: Vec<String>,
    pub(super) route: Option<RouteReport>,
    pub(super) calls: Vec<CallReport>,
    /// What the caller gets, where every call is refused.
    pub(super) answer: Option<Answer>,
}

#[derive(Debug, Serialize)]
pub(super) struct RouteReport {
    pub(super) name: String,
    pub(super) dialect: &'static str,
    pub(super) host: Option<String>,
    pub(super) path: String,
}

#[derive(Debug, Default, Serialize)]
pub(super) struct CallReport {
    pub(super) action: Option<&'static str>,
    /// The vendor's name of an operation that has no canonical form.
    operation: Option<String>,
    pub(super) account: Option<i64>,
    user: Option<String>,
    group: Option<String>,
    pub(super) credential: Option<Credential>,
    pub(super) principal: Option<String>,
    pub(super) scopes: Vec<Cow<'static, str>>,
    pub(super) target: Option<String>,
    pub(super) lost: Vec<Loss>,
    /// Fields that are kept in the store, once the upstream has done the rest.
    pub(super) kept: Vec<String>,
    /// Why what is sent may have other numbers of users than are shown.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) numbers: Option<&'static str>,
    pub(super) answered_here: bool,
    pub(super) upstream: Option<Upstream>,
    pub(super) refusal: Option<Refusal>,
}

#[derive(Debug, Serialize)]
pub(super) struct Upstream {
    pub(super) name: String,
    pub(super) dialect: &'static str,
    /// `read` or `write`.
    pub(super) effect: &'static str,
    /// The first request, with `***` for secrets.
    pub(super) request: String,
    /// What may be sent after it.
    pub(super) more: Option<&'static str>,
    /// What the command may take away there.
    pub(super) at_risk: Vec<&'static str>,
}

#[derive(Debug, Serialize)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) body: String,
}

impl CallReport {
    /// What the call is, without what becomes of it.
    pub(super) fn of(call: &Call) -> Self {
        let (user, group) = references(&call.command);
        let operation = if let Command::Native(native) = &call.command {
            Some(native.operation.as_str().to_owned())
        } else {
            None
        };
        Self {
            action: Some(call.command.action().name()),
            operation,
            user: user.map(shown_user),
            group: group.map(shown_group),
            ..Self::default()
        }
    }
}

pub(super) const fn effect(effect: Effect) -> &'static str {
    match effect {
        Effect::Read => "read",
        Effect::Write => "write",
    }
}

/// Whom and which group a command is about.
const fn references(command: &Command) -> (Option<&UserRef>, Option<&GroupRef>) {
    match command {
        Command::UpdateUser(user, _) | Command::ReadUser(user) | Command::DeleteUser(user) => {
            (Some(user), None)
        }
        Command::UpdateGroup(group, _)
        | Command::ReadGroup(group)
        | Command::DeleteGroup(group) => (None, Some(group)),
        Command::AddMember(Membership { user, group }, _)
        | Command::RemoveMember(Membership { user, group })
        | Command::SetMemberRole(Membership { user, group }, _)
        | Command::BanMember(Membership { user, group }, _)
        | Command::UnbanMember(Membership { user, group }) => (Some(user), Some(group)),
        Command::Native(native) => (native.subject.as_ref(), None),
        Command::CreateUser(_)
        | Command::ListUsers(_)
        | Command::CountUsers(_)
        | Command::CreateGroup(_)
        | Command::ListGroups
        | Command::ListTimezones => (None, None),
    }
}

fn shown_user(user: &UserRef) -> String {
    match user {
        UserRef::Id(id) => format!("id {id}"),
        UserRef::Username(name) => format!("username {}", name.as_str()),
        UserRef::Email(address) => format!("e-mail address {}", address.as_str()),
        UserRef::UsernameOrEmail(name) => format!("username or e-mail address {}", name.as_str()),
    }
}

fn shown_group(group: &GroupRef) -> String {
    match group {
        GroupRef::Id(id) => format!("id {id}"),
        GroupRef::Slug(slug) => format!("slug {}", slug.as_str()),
    }
}

impl Report {
    /// The report without any secret.
    pub(super) fn redacted(mut self, redaction: &Redaction) -> Self {
        let hide = |text: &mut String| *text = redaction.apply(text);
        self.remarks.iter_mut().for_each(hide);
        if let Some(answer) = &mut self.answer {
            hide(&mut answer.body);
        }
        for call in &mut self.calls {
            let texts = [&mut call.operation, &mut call.user, &mut call.group];
            texts.into_iter().flatten().for_each(hide);
            call.lost.iter_mut().for_each(|loss| hide(&mut loss.field));
            call.kept.iter_mut().for_each(hide);
            if let Some(upstream) = &mut call.upstream {
                hide(&mut upstream.request);
            }
            if let Some(refusal) = &mut call.refusal {
                refusal.messages.iter_mut().for_each(hide);
            }
        }
        self
    }

    pub(super) fn json(&self) -> Result<String, Failure> {
        let text = serde_json::to_string_pretty(self);
        let text =
            text.map_err(|error| Failure::failed("cannot write the report as JSON", error))?;
        Ok(format!("{text}\n"))
    }

    // Writing to a string cannot fail.
    pub(super) fn text(&self) -> String {
        let mut text = String::new();
        match &self.route {
            Some(route) => {
                let host = route.host.as_deref().unwrap_or("any host");
                let _ = writeln!(
                    text,
                    "route       {}: {} at {} of {host}",
                    route.name, route.dialect, route.path
                );
            }
            None => text.push_str("route       none\n"),
        }
        for remark in &self.remarks {
            let _ = writeln!(text, "note        {remark}");
        }
        for (position, call) in self.calls.iter().enumerate() {
            let number = position.saturating_add(1);
            let _ = write!(text, "\n{:<12}", format!("call {number}"));
            call.write(&mut text);
        }
        if let Some(answer) = &self.answer {
            let _ = writeln!(text, "\nanswer      {}", answer.status);
            indent(&mut text, &answer.body);
        }
        text
    }
}

impl CallReport {
    fn write(&self, text: &mut String) {
        let action = self.operation.as_deref().or(self.action);
        let _ = write!(text, "{}", action.unwrap_or("cannot be read"));
        if let Some(account) = self.account {
            let _ = write!(text, " in account {account}");
        }
        text.push('\n');
        let credential = self.credential.as_ref();
        let credential = credential.map(|it| format!("{}: {}", it.place, it.form));
        let scopes = self.action.map(|_| match self.scopes.as_slice() {
            [] => "none".to_owned(),
            scopes => scopes.join(", "),
        });
        let lost: Vec<_> = self
            .lost
            .iter()
            .map(|Loss { field, rule }| format!("{field} ({rule})"))
            .collect();
        let lost = (!lost.is_empty()).then(|| lost.join(", "));
        let kept = (!self.kept.is_empty()).then(|| self.kept.join(", "));
        let numbers = self.numbers.map(str::to_owned);
        for (name, value) in [
            ("user", self.user.as_ref()),
            ("group", self.group.as_ref()),
            ("credential", credential.as_ref()),
            ("caller", self.principal.as_ref()),
            ("scopes", scopes.as_ref()),
            ("target", self.target.as_ref()),
            ("lost", lost.as_ref()),
            ("kept here", kept.as_ref()),
            ("numbers", numbers.as_ref()),
        ] {
            if let Some(value) = value {
                let _ = writeln!(text, "{name:<12}{value}");
            }
        }
        if self.answered_here {
            text.push_str("first       nothing is sent: the gateway knows the answer\n");
        }
        if let Some(refusal) = &self.refusal {
            for message in &refusal.messages {
                let _ = writeln!(text, "refused     {}: {message}", refusal.kind);
            }
        }
        if let Some(upstream) = &self.upstream {
            upstream.write(text, self.refusal.is_some());
        }
    }
}

impl Upstream {
    fn write(&self, text: &mut String, is_refused: bool) {
        let _ = writeln!(
            text,
            "first       {} a {} of {}:",
            if is_refused {
                "if it were not refused,"
            } else {
                "this,"
            },
            self.effect,
            self.dialect
        );
        indent(text, &self.request);
        if let Some(more) = self.more {
            let _ = writeln!(text, "then        maybe {more}");
        }
        if !self.at_risk.is_empty() {
            let _ = writeln!(text, "at risk     {}", self.at_risk.join(", "));
        }
    }
}

fn indent(text: &mut String, shown: &str) {
    for line in shown.lines() {
        let _ = writeln!(text, "{}", format!("  | {line}").trim_end());
    }
}
