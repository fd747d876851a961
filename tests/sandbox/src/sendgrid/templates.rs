//! Templates and their versions.

use super::State;
use super::checks::Complaint;
use super::mail::text;
use super::outcome::{Done, Refusal};
use serde::Serialize;
use serde_json::{Map, Value, json};

/// The longest name, in characters.
const NAME_MAX: usize = 100;

/// The longest subject of a version, in characters.
const SUBJECT_MAX: usize = 255;

/// The largest page of a list.
const PAGE_MAX: usize = 200;

/// A template of the account.
#[derive(Clone, Debug, Serialize)]
pub struct Template {
    /// `d-` and 32 hexadecimal digits when it is dynamic, else a UUID.
    pub id: String,
    /// The account's own name for it; more than one may have it.
    pub name: String,
    /// `dynamic` or `legacy`.
    pub generation: String,
    /// Epoch milliseconds.
    pub updated_ms: i64,
    /// Oldest first; at most one is active.
    pub versions: Vec<Version>,
}

/// One wording of a template.
#[derive(Clone, Debug, Serialize)]
pub struct Version {
    /// A UUID.
    pub id: String,
    /// The account's own name for it.
    pub name: String,
    /// Whether mail is sent with it.
    pub active: bool,
    /// With `{{names}}` to be filled in when the template is dynamic.
    pub subject: String,
    /// HTML, as the subject; may be empty.
    pub html_content: String,
    /// Plain text, as the subject; may be empty.
    pub plain_content: String,
    /// Epoch milliseconds.
    pub updated_ms: i64,
    dynamic: bool,
}

impl Template {
    /// The version that mail is sent with.
    pub fn active(&self) -> Option<&Version> {
        self.versions.iter().find(|version| version.active)
    }

    fn to_json(&self) -> Value {
        json!({
            "id": self.id,
            "name": self.name,
            "generation": self.generation,
            "updated_at": date_and_time(self.updated_ms),
            "versions": self.versions.iter().map(|version| version.to_json(&self.id)).collect::<Vec<_>>(),
        })
    }
}

impl Version {
    /// Whether names are filled in.
    pub(super) fn is_dynamic(&self) -> bool {
        self.dynamic
    }

    pub(super) fn fill_subject(&self, data: &Value) -> String {
        fill(&self.subject, data)
    }

    pub(super) fn fill_content(&self, data: &Value) -> Vec<(String, String)> {
        let parts = [("text/plain", &self.plain_content), ("text/html", &self.html_content)];
        let written = parts.into_iter().filter(|(_, text)| !text.is_empty());
        written.map(|(kind, text)| (kind.to_owned(), fill(text, data))).collect()
    }

    fn to_json(&self, template_id: &str) -> Value {
        json!({
            "id": self.id,
            "template_id": template_id,
            "active": u8::from(self.active),
            "name": self.name,
            "subject": self.subject,
            "html_content": self.html_content,
            "plain_content": self.plain_content,
            "generate_plain_content": false,
            "editor": "code",
            "updated_at": date_and_time(self.updated_ms),
        })
    }
}

impl State {
    /// POST /v3/templates
    pub(super) fn create_template(&mut self, now_ms: i64, body: &Map<String, Value>) -> Result<Done, Refusal> {
        let name = name_of(body)?;
        let generation = match body.get("generation").map_or("legacy", |value| value.as_str().unwrap_or_default()) {
            known @ ("legacy" | "dynamic") => known.to_owned(),
            _ => return Err(Refusal::of("generation", "The generation is legacy or dynamic.")),
        };
        let id =
            if generation == "dynamic" { format!("d-{}", self.ids.hex("template")) } else { self.ids.uuid("template") };
        let template = Template { id, name, generation, updated_ms: now_ms, versions: Vec::new() };
        let shown = template.to_json();
        self.templates.push(template);
        Ok(Done::with(201, shown))
    }

    /// POST /v3/templates/{id}/versions. The first version is active by itself.
    pub(super) fn create_version(&mut self, now_ms: i64, id: &str, body: &Map<String, Value>) -> Result<Done, Refusal> {
        let version_id = self.ids.uuid("template version");
        let template = self.templates.iter_mut().find(|template| template.id == id);
        let template = template.ok_or_else(Refusal::not_found)?;
        let name = name_of(body)?;
        let subject = text(body.get("subject"));
        if subject.is_empty() || subject.chars().count() > SUBJECT_MAX {
            return Err(Refusal::of("subject", "The subject is required and has at most 255 characters."));
        }
        let active = template.versions.is_empty() || body.get("active") == Some(&1.into());
        for other in template.versions.iter_mut().filter(|_| active) {
            other.active = false;
        }
        let version = Version {
            id: version_id,
            name,
            active,
            subject,
            html_content: text(body.get("html_content")),
            plain_content: text(body.get("plain_content")),
            updated_ms: now_ms,
            dynamic: template.generation == "dynamic",
        };
        let shown = version.to_json(&template.id);
        template.versions.push(version);
        template.updated_ms = now_ms;
        Ok(Done::with(201, shown))
    }

    /// GET /v3/templates/{id}
    pub(super) fn retrieve_template(&self, id: &str) -> Result<Done, Refusal> {
        let found = self.templates.iter().find(|template| template.id == id);
        found.map(|template| Done::with(200, template.to_json())).ok_or_else(Refusal::not_found)
    }

    /// GET /v3/templates, newest first. The page size must be given; the token of the next page is its offset.
    pub(super) fn list_templates(&self, query: &[(String, String)]) -> Result<Done, Refusal> {
        let value = |name: &str| query.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str());
        let size = value("page_size").and_then(|size| size.parse().ok()).filter(|size| (1..=PAGE_MAX).contains(size));
        let size = size.ok_or_else(|| Refusal::of("page_size", "The page_size is required, 1 to 200."))?;
        let start: usize = match value("page_token") {
            None => 0,
            Some(token) => token.parse().map_err(|_| Refusal::of("page_token", "The page_token is not valid."))?,
        };
        let generations = value("generations").unwrap_or("legacy");
        let fits = |template: &&Template| generations.split(',').any(|wanted| wanted == template.generation);
        let fitting: Vec<&Template> = self.templates.iter().rev().filter(fits).collect();
        let page: Vec<Value> = fitting.iter().skip(start).take(size).map(|template| template.to_json()).collect();
        let link = |start: usize| {
            format!(
                "https://api.sendgrid.com/v3/templates?generations={generations}&page_size={size}&page_token={start}"
            )
        };
        let mut metadata = json!({ "self": link(start), "count": fitting.len() });
        if start + page.len() < fitting.len() {
            metadata["next"] = link(start + page.len()).into();
        }
        if start > 0 {
            metadata["prev"] = link(start.saturating_sub(size)).into();
        }
        Ok(Done::with(200, json!({ "result": page, "_metadata": metadata })))
    }
}

fn name_of(body: &Map<String, Value>) -> Result<String, Refusal> {
    let name = text(body.get("name"));
    if name.is_empty() || name.chars().count() > NAME_MAX {
        let complaint = Complaint::new("name".to_owned(), "The name is required and has at most 100 characters.");
        return Err(Refusal { status: 400, complaints: vec![complaint] });
    }
    Ok(name)
}

/// Puts data in place of `{{name}}`, `{{{name}}}` and `{{one.other}}`; what has no data becomes nothing. Conditions and
/// loops are not simulated: they stay as they are.
fn fill(template: &str, data: &Value) -> String {
    let mut filled = String::new();
    let mut rest = template;
    while let Some((before, after)) = rest.split_once("{{") {
        filled += before;
        let Some((name, after)) = after.split_once("}}") else {
            rest = after;
            filled += "{{";
            continue;
        };
        let path = name.trim_start_matches('{').trim();
        if path.starts_with(['#', '/', '!', '>']) || path == "else" {
            filled = filled + "{{" + name + "}}";
        } else {
            let pointer = format!("/{}", path.replace('.', "/"));
            match data.pointer(&pointer) {
                None | Some(Value::Null) => {}
                Some(Value::String(text)) => filled += text,
                Some(other) => filled += &other.to_string(),
            }
        }
        rest = if name.starts_with('{') { after.strip_prefix('}').unwrap_or(after) } else { after };
    }
    filled + rest
}

/// `YYYY-MM-DD hh:mm:ss`, GMT.
fn date_and_time(at_ms: i64) -> String {
    let format = time::macros::format_description!("[year]-[month]-[day] [hour]:[minute]:[second]");
    let at = time::OffsetDateTime::from_unix_timestamp(at_ms / 1000).unwrap_or(time::OffsetDateTime::UNIX_EPOCH);
    at.format(format).unwrap_or_default()
}
