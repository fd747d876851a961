//! Writes that the table does by itself: the embedded database takes fifteen times as long. Only the shapes that the
//! shipping code sends; any other goes to the database, and from then on everything does, to be compared.

use std::collections::BTreeSet;

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::answer::Answer;
use crate::expression::{Names, Scope, Values};
use crate::mirror::{ItemKey, Mirror};
use crate::stored::{Attributes, Stored};

const FAILED: &str = "The conditional request failed";

/// What a write comes to: its answer, and the items that it changes.
pub(crate) struct Write {
    pub(crate) answer: Answer,
    pub(crate) changes: Vec<(ItemKey, Option<Stored>)>,
}

#[derive(Deserialize)]
struct Text {
    #[serde(rename = "S")]
    text: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Key {
    pk: Text,
    sk: Text,
}

/// One write, or one of a transaction's.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Part<'a> {
    #[serde(rename = "TableName")]
    _table: &'a str,
    #[serde(borrow, default)]
    key: Option<&'a RawValue>,
    #[serde(borrow, default)]
    item: Option<&'a RawValue>,
    #[serde(default)]
    update_expression: Option<&'a str>,
    #[serde(default)]
    condition_expression: Option<&'a str>,
    #[serde(borrow, default)]
    expression_attribute_names: Names<'a>,
    #[serde(borrow, default)]
    expression_attribute_values: Values<'a>,
    #[serde(default)]
    return_values: Option<&'a str>,
    #[serde(default)]
    return_values_on_condition_check_failure: Option<&'a str>,
}

#[derive(Deserialize)]
enum Action<'a> {
    #[serde(borrow)]
    Put(Part<'a>),
    Update(Part<'a>),
    Delete(Part<'a>),
    ConditionCheck(Part<'a>),
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Transaction<'a> {
    #[serde(borrow)]
    transact_items: Vec<Action<'a>>,
    #[serde(rename = "ClientRequestToken", default)]
    _token: Option<&'a str>,
}

/// What one part comes to.
enum Step {
    Changes(ItemKey, Option<Stored>),
    Checked,
    /// Its condition does not hold; the item, if it is to be shown.
    Fails(Option<Stored>),
}

/// Does a write in thought; `None` when it is none of those known here.
pub(crate) fn write(mirror: &Mirror, operation: &str, body: &[u8]) -> Option<Write> {
    match operation {
        "UpdateItem" => {
            let part: Part<'_> = serde_json::from_slice(body).ok()?;
            let shows_it = part.return_values == Some("ALL_NEW");
            Some(match step(mirror, &Action::Update(part))? {
                Step::Changes(key, after) => {
                    let shown = after.as_ref().filter(|_| shows_it);
                    let body =
                        shown.map_or_else(|| "{}".to_owned(), |item| format!("{{\"Attributes\":{}}}", item.wire));
                    Write { answer: answer(200, body), changes: vec![(key, after)] }
                }
                Step::Fails(item) => Write { answer: failed(item.as_ref()), changes: Vec::new() },
                Step::Checked => return None,
            })
        }
        "TransactWriteItems" => {
            let transaction: Transaction<'_> = serde_json::from_slice(body).ok()?;
            let steps: Option<Vec<Step>> =
                transaction.transact_items.iter().map(|action| step(mirror, action)).collect();
            let steps = steps?;
            if steps.iter().any(|step| matches!(step, Step::Fails(_))) {
                return Some(Write { answer: canceled(&steps), changes: Vec::new() });
            }
            let changes: Vec<_> = steps
                .into_iter()
                .filter_map(|step| match step {
                    Step::Changes(key, after) => Some((key, after)),
                    Step::Checked | Step::Fails(_) => None,
                })
                .collect();
            // DynamoDB refuses a transaction that names an item twice.
            let different: BTreeSet<&ItemKey> = changes.iter().map(|(key, _)| key).collect();
            let is_sound = different.len() == changes.len();
            is_sound.then(|| Write { answer: answer(200, "{}".to_owned()), changes })
        }
        _ => None,
    }
}

fn step(mirror: &Mirror, action: &Action<'_>) -> Option<Step> {
    let (Action::Put(part) | Action::Update(part) | Action::Delete(part) | Action::ConditionCheck(part)) = action;
    // A put names its key in the item.
    let put = if matches!(action, Action::Put(_)) { Some(Stored::parse(part.item?.get())) } else { None };
    let key = put.as_ref().map_or_else(|| key(part), own_key)?;
    let before = mirror.items.get(&key);
    let none = Attributes::new();
    let attributes = before.map_or(&none, |item| &*item.attributes);
    let mut scope = Scope::new(attributes, &part.expression_attribute_names, &part.expression_attribute_values);
    let holds = part.condition_expression.map_or(Some(true), |condition| scope.condition(condition))?;
    let after = match action {
        Action::Put(_) => Some(Step::Changes(key, put)),
        Action::Update(_) => {
            let mut after =
                part.update_expression.map_or_else(|| Some(attributes.clone()), |text| scope.update(text))?;
            if before.is_none() {
                after.insert("pk".into(), written_text(&key.0));
                after.insert("sk".into(), written_text(&key.1));
            }
            Some(Step::Changes(key, Some(Stored::of(after, before))))
        }
        Action::Delete(_) => Some(Step::Changes(key, None)),
        Action::ConditionCheck(_) => Some(Step::Checked),
    };
    if !scope.all_are_used() || holds && scope.lacks_an_attribute {
        return None;
    }
    let is_shown = part.return_values_on_condition_check_failure == Some("ALL_OLD");
    if holds { after } else { Some(Step::Fails(before.filter(|_| is_shown).cloned())) }
}

fn key(part: &Part<'_>) -> Option<ItemKey> {
    let Key { pk, sk } = serde_json::from_str(part.key?.get()).ok()?;
    Some((pk.text, sk.text))
}

fn own_key(item: &Stored) -> Option<ItemKey> {
    let of = |name: &str| item.plain.get(name)?.as_str().map(str::to_owned);
    Some((of("pk")?, of("sk")?))
}

fn written_text(text: &str) -> std::sync::Arc<str> {
    format!("{{\"S\":{}}}", serde_json::Value::from(text)).into()
}

fn answer(status: u16, body: String) -> Answer {
    Answer { status, body: body.into_bytes(), query_error: None }
}

fn failed(item: Option<&Stored>) -> Answer {
    let shown = item.map_or_else(String::new, |item| format!(",\"Item\":{}", item.wire));
    let shape = "com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException";
    answer(400, format!("{{\"__type\":\"{shape}\",\"message\":\"{FAILED}\"{shown}}}"))
}

fn canceled(steps: &[Step]) -> Answer {
    let code = |step: &Step| if matches!(step, Step::Fails(_)) { "ConditionalCheckFailed" } else { "None" };
    let codes: Vec<&str> = steps.iter().map(code).collect();
    let reasons: Vec<String> = steps
        .iter()
        .map(|step| match step {
            Step::Fails(item) => {
                let shown = item.as_ref().map_or_else(String::new, |item| format!(",\"Item\":{}", item.wire));
                format!("{{\"Code\":\"ConditionalCheckFailed\",\"Message\":\"{FAILED}\"{shown}}}")
            }
            Step::Changes(..) | Step::Checked => "{\"Code\":\"None\"}".to_owned(),
        })
        .collect();
    let shape = "com.amazonaws.dynamodb.v20120810#TransactionCanceledException";
    let message = "Transaction cancelled, please refer cancellation reasons for specific reasons";
    let body = format!(
        "{{\"__type\":\"{shape}\",\"Message\":\"{message} [{}]\",\"CancellationReasons\":[{}]}}",
        codes.join(", "),
        reasons.join(",")
    );
    answer(400, body)
}
