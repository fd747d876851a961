//! Which request is which: the paths of the API and their names on the fault dial.

use http::Method;

/// A request by method and path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Route<'a> {
    MailSend,
    CreateBatch,
    Batch(&'a str),
    StopBatch,
    /// Of one batch, or of all.
    ListStops(Option<&'a str>),
    UpdateStop(&'a str),
    ResumeBatch(&'a str),
    CreateTemplate,
    ListTemplates,
    Template(&'a str),
    CreateVersion(&'a str),
    Stats,
    CreateKey,
    ListKeys,
    Key(&'a str),
    Scopes,
    WrongMethod,
    Unknown,
}

impl<'a> Route<'a> {
    pub(super) fn of(method: &Method, path: &'a str) -> Self {
        let parts: Vec<&str> = path.trim_matches('/').split('/').collect();
        match (method.as_str(), parts.as_slice()) {
            ("POST", ["v3", "mail", "send"]) => Self::MailSend,
            ("POST", ["v3", "mail", "batch"]) => Self::CreateBatch,
            ("GET", ["v3", "mail", "batch", id]) => Self::Batch(id),
            ("POST", ["v3", "user", "scheduled_sends"]) => Self::StopBatch,
            ("GET", ["v3", "user", "scheduled_sends"]) => Self::ListStops(None),
            ("GET", ["v3", "user", "scheduled_sends", id]) => Self::ListStops(Some(id)),
            ("PATCH", ["v3", "user", "scheduled_sends", id]) => Self::UpdateStop(id),
            ("DELETE", ["v3", "user", "scheduled_sends", id]) => Self::ResumeBatch(id),
            ("POST", ["v3", "templates"]) => Self::CreateTemplate,
            ("GET", ["v3", "templates"]) => Self::ListTemplates,
            ("GET", ["v3", "templates", id]) => Self::Template(id),
            ("POST", ["v3", "templates", id, "versions"]) => Self::CreateVersion(id),
            ("GET", ["v3", "stats"]) => Self::Stats,
            ("POST", ["v3", "api_keys"]) => Self::CreateKey,
            ("GET", ["v3", "api_keys"]) => Self::ListKeys,
            ("DELETE", ["v3", "api_keys", id]) => Self::Key(id),
            ("GET", ["v3", "scopes"]) => Self::Scopes,
            (
                _,
                ["v3", "mail", "send" | "batch"]
                | ["v3", "mail", "batch", _]
                | ["v3", "user", "scheduled_sends"]
                | ["v3", "user", "scheduled_sends", _]
                | ["v3", "templates" | "stats"]
                | ["v3", "templates", _]
                | ["v3", "templates", _, "versions"],
            ) => Self::WrongMethod,
            _ => Self::Unknown,
        }
    }

    /// The name on the fault dial.
    pub(super) fn operation(self) -> &'static str {
        match self {
            Self::MailSend => "mail_send",
            Self::CreateBatch => "create_batch",
            Self::Batch(_) => "retrieve_batch",
            Self::StopBatch => "stop_batch",
            Self::ListStops(_) => "list_stops",
            Self::UpdateStop(_) => "update_stop",
            Self::ResumeBatch(_) => "resume_batch",
            Self::CreateTemplate => "create_template",
            Self::ListTemplates => "list_templates",
            Self::Template(_) => "retrieve_template",
            Self::CreateVersion(_) => "create_version",
            Self::Stats => "stats",
            Self::CreateKey => "create_key",
            Self::ListKeys => "list_keys",
            Self::Key(_) => "delete_key",
            Self::Scopes => "scopes",
            Self::WrongMethod | Self::Unknown => "unknown",
        }
    }

    /// Whether the request has a body of JSON.
    pub(super) fn takes_json(self) -> bool {
        matches!(
            self,
            Self::MailSend
                | Self::StopBatch
                | Self::UpdateStop(_)
                | Self::CreateTemplate
                | Self::CreateVersion(_)
                | Self::CreateKey
        )
    }
}
