//! template.yaml as data: what its resources are, what their roles allow, which conditions they hang on.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use serde_yaml_ng::{Mapping, Value};

use crate::workspace_root;

/// The conditions on which a statement of a role may be there.
pub const OF_STATEMENTS: [&str; 1] = ["ReceiversReadOldSecrets"];

/// The template.
#[derive(Clone, Debug)]
pub struct Template {
    whole: Value,
    holding: Vec<&'static str>,
}

impl Template {
    /// The project's own.
    ///
    /// # Panics
    /// When it cannot be read.
    pub fn read() -> Self {
        let text = fs::read_to_string(workspace_root().join("template.yaml"));
        let template = text.ok().and_then(|text| serde_yaml_ng::from_str(&text).ok());
        let whole = template.unwrap_or_else(|| panic!("template.yaml cannot be read"));
        Self { whole, holding: Vec::new() }
    }

    /// The same where this condition holds; otherwise none does.
    #[must_use]
    pub fn on(mut self, condition: &'static str) -> Self {
        self.holding.push(condition);
        self
    }

    /// A section, `Parameters` or `Conditions`; empty when there is none.
    pub fn section(&self, name: &str) -> Mapping {
        self.whole[name].as_mapping().cloned().unwrap_or_default()
    }

    /// What stands below a section's name.
    pub fn at(&self, section: &str, name: &str) -> Value {
        self.whole[section][name].clone()
    }

    /// The resources by their logical names.
    pub fn resources(&self) -> BTreeMap<String, Value> {
        let name = |name: &Value| name.as_str().unwrap_or_default().to_owned();
        self.section("Resources").iter().map(|(key, resource)| (name(key), resource.clone())).collect()
    }

    /// Those of one type.
    pub fn of_type(&self, kind: &str) -> BTreeMap<String, Value> {
        self.resources().into_iter().filter(|(_, resource)| resource["Type"] == kind).collect()
    }

    /// The functions.
    pub fn functions(&self) -> BTreeMap<String, Value> {
        self.of_type("AWS::Serverless::Function")
    }

    /// The triggers as pairs: the queue's logical name, the function's.
    pub fn triggers(&self) -> Vec<(String, String)> {
        let of = |trigger: &Value, property: &str| {
            let named = plain(&trigger["Properties"][property]).as_str().unwrap_or_default().to_owned();
            named.split('.').next().unwrap_or_default().to_owned()
        };
        let triggers = self.of_type("AWS::Lambda::EventSourceMapping");
        triggers.values().map(|trigger| (of(trigger, "EventSourceArn"), of(trigger, "FunctionName"))).collect()
    }

    /// Every statement that allows something in a role, with whose it is.
    ///
    /// # Panics
    /// When a policy does not say itself what it allows.
    pub fn statements(&self) -> Vec<(String, Value)> {
        let mut found = Vec::new();
        for (name, resource) in self.resources() {
            let is_role = ["AWS::Serverless::Function", "AWS::IAM::Role"].iter().any(|kind| resource["Type"] == *kind);
            let policies = &resource["Properties"]["Policies"];
            if !is_role || policies.is_null() {
                continue;
            }
            for policy in each(policies) {
                // SAM's policy templates and managed policies would hide what they allow.
                let document = if policy["PolicyDocument"].is_null() { &policy } else { &policy["PolicyDocument"] };
                assert!(
                    document["Statement"].is_sequence(),
                    "{name}: a policy without statements of its own: {policy:?}"
                );
                let statements = each(&document["Statement"]);
                found.extend(statements.iter().filter_map(|one| Some((name.clone(), self.under(one)?))));
            }
        }
        found.retain(|(name, statement)| {
            assert!(statement["NotAction"].is_null() && statement["NotResource"].is_null(), "{name}: {statement:?}");
            statement["Effect"] == "Allow"
        });
        found
    }

    /// A statement, or what `!If` makes of it.
    fn under(&self, statement: &Value) -> Option<Value> {
        let Value::Tagged(tagged) = statement else { return Some(statement.clone()) };
        let parts = tagged.value.as_sequence().map(Vec::as_slice).unwrap_or_default();
        let [condition, then, otherwise] = parts else { panic!("{statement:?}") };
        let condition = condition.as_str().unwrap_or_default();
        // What is there on a condition that no test turns on would be seen by none.
        assert!(tagged.tag == "If" && OF_STATEMENTS.contains(&condition), "{condition}: {statement:?}");
        let chosen = if self.holding.contains(&condition) { then } else { otherwise };
        let is_nothing =
            matches!(chosen, Value::Tagged(tagged) if tagged.tag == "Ref" && tagged.value == "AWS::NoValue");
        (!is_nothing).then(|| chosen.clone())
    }

    /// What each role may do `action` to: logical names of resources, or the text that stands in the place of one.
    pub fn allowed(&self, action: &str) -> BTreeMap<String, BTreeSet<String>> {
        let mut found: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for (role, statement) in self.statements() {
            if allows(&statement, action) {
                found.entry(role).or_default().extend(targets(&statement));
            }
        }
        found
    }

    /// The resources whose being there hangs on a condition, directly or through another one.
    pub fn hanging_on(&self, condition: &str) -> BTreeSet<String> {
        let conditions = self.section("Conditions");
        let depends = |name: &str| {
            let (mut open, mut seen) = (vec![name.to_owned()], BTreeSet::new());
            while let Some(name) = open.pop() {
                if name == condition {
                    return true;
                }
                if seen.insert(name.clone()) {
                    open.extend(named_in(&conditions.get(name.as_str()).cloned().unwrap_or_default()));
                }
            }
            false
        };
        let hangs = |resource: &Value| resource["Condition"].as_str().is_some_and(depends);
        self.resources().into_iter().filter(|(_, resource)| hangs(resource)).map(|(name, _)| name).collect()
    }
}

/// Whether a statement allows an action.
pub fn allows(statement: &Value, action: &str) -> bool {
    let (service, name) = action.split_once(':').unwrap_or((action, ""));
    each(&statement["Action"]).iter().filter_map(Value::as_str).any(|pattern| {
        let (of, what) = pattern.split_once(':').unwrap_or((pattern, pattern));
        (of == "*" || of == service) && what.strip_suffix('*').map_or(what == name, |begin| name.starts_with(begin))
    })
}

/// What a statement is about.
pub fn targets(statement: &Value) -> Vec<String> {
    let resources = statement["Resource"].as_sequence().cloned().unwrap_or_else(|| vec![statement["Resource"].clone()]);
    let target = |resource: &Value| {
        let text = plain(resource);
        let text = text.as_str().unwrap_or_default();
        text.strip_suffix(".Arn").or_else(|| text.strip_suffix(".Id")).unwrap_or(text).to_owned()
    };
    resources.iter().map(target).collect()
}

/// A value, or each of a list.
pub fn each(value: &Value) -> Vec<Value> {
    let value = plain(value);
    value.as_sequence().cloned().unwrap_or_else(|| vec![value])
}

/// What stands behind a tag: `!Ref Table` is `Table`.
pub fn plain(value: &Value) -> Value {
    match value {
        Value::Tagged(tagged) => tagged.value.clone(),
        other => other.clone(),
    }
}

/// Every text in a value, however deep.
pub fn named_in(value: &Value) -> Vec<String> {
    match value {
        Value::String(text) => vec![text.clone()],
        Value::Sequence(values) => values.iter().flat_map(named_in).collect(),
        Value::Mapping(pairs) => pairs.values().flat_map(named_in).collect(),
        Value::Tagged(tagged) => named_in(&tagged.value),
        _ => Vec::new(),
    }
}
