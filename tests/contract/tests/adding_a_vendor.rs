//! The checklist for a new vendor, infra/docs/adding-a-vendor.md, walked: each of its rows holds for each vendor that there is,
//! and no list of vendors is missing from it. A vendor that is added to `Vendor` fails here until every row names it.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests fail by panicking")]

use std::fs;
use std::path::Path;

use crossdock::domain::shipping::Carrier;
use crossdock::gateway::Vendor;
use walkdir::WalkDir;

const PAGE: &str = "infra/docs/adding-a-vendor.md";
/// A page with fewer rows has lost its tables, or this test can no longer read them.
const ROWS_MIN: usize = 40;
/// Folders that are not ours, or not sources.
const NOT_SOURCES: [&str; 5] = ["target", ".git", ".local", "node_modules", "results"];
/// Files that name every vendor without being a list that a new one belongs in.
const NO_LISTS: [&str; 3] = [PAGE, "tests/contract/tests/adding_a_vendor.rs", "CHANGELOG.md"];

/// What the page's placeholders stand for.
#[derive(Clone, Debug)]
struct Known {
    /// `{vendor}`: as in items and logs.
    in_items: String,
    /// `{Vendor}`: as in the enum and in the template.
    in_code: String,
    /// `{Name}`: as people say it.
    name: &'static str,
    sends_webhooks: bool,
    is_carrier: bool,
}

impl Known {
    fn of(vendor: Vendor) -> Self {
        let (name, sends_webhooks, is_carrier) = match vendor {
            Vendor::Stripe => ("Stripe", true, false),
            Vendor::SendGrid => ("SendGrid", true, false),
            Vendor::Twilio => ("Twilio", true, false),
            Vendor::Postmark => ("Postmark", true, false),
            Vendor::Fedex => ("FedEx", true, true),
            Vendor::Ups => ("UPS", true, true),
            Vendor::Dhl => ("DHL", false, true),
        };
        Self { in_items: vendor.as_str().to_owned(), in_code: format!("{vendor:?}"), name, sends_webhooks, is_carrier }
    }

    fn filled_in(&self, pattern: &str) -> String {
        let pattern = pattern.replace("{vendor}", &self.in_items).replace("{Vendor}", &self.in_code);
        pattern.replace("{VENDOR}", &self.in_items.to_uppercase()).replace("{Name}", self.name)
    }
}

/// One row of the page.
#[derive(Clone, Debug)]
struct Row {
    file: String,
    which: String,
    patterns: Vec<String>,
}

impl Row {
    /// Whether this vendor has to be there.
    fn is_for(&self, vendor: &Known) -> bool {
        match self.which.as_str() {
            "all" => true,
            "webhooks" => vendor.sends_webhooks,
            "carriers" => vendor.is_carrier,
            other => {
                let but = other.strip_prefix("all but ");
                but.unwrap_or_else(|| panic!("{PAGE}: {other:?} says of no vendor whether it is meant")) != vendor.name
            }
        }
    }

    /// What is missing for this vendor, below `root`.
    fn missing(&self, root: &Path, vendor: &Known) -> Vec<String> {
        let file = vendor.filled_in(&self.file);
        let Some(text) = read(root, &file) else { return vec![format!("{file} is not there")] };
        let patterns = self.patterns.iter().map(|pattern| vendor.filled_in(pattern));
        patterns.filter(|pattern| !names(&text, pattern)).map(|pattern| format!("{file} has no {pattern}")).collect()
    }
}

/// The text of a file whose name may have one `*`.
fn read(root: &Path, file: &str) -> Option<String> {
    let Some((before, after)) = file.split_once('*') else { return fs::read_to_string(root.join(file)).ok() };
    let (folder, beginning) = before.rsplit_once('/')?;
    let entries = fs::read_dir(root.join(folder)).ok()?.filter_map(Result::ok);
    let found = entries.map(|entry| entry.file_name().to_string_lossy().into_owned());
    let found = found.filter(|name| name.starts_with(beginning) && name.ends_with(after)).min()?;
    fs::read_to_string(root.join(folder).join(found)).ok()
}

/// Whether the text has the pattern, and not as a part of a longer word: `ups` is in `groups`.
fn names(text: &str, pattern: &str) -> bool {
    let is_word = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
    text.match_indices(pattern).any(|(at, _)| {
        let (before, after) = (text[..at].chars().next_back(), text[at + pattern.len()..].chars().next());
        !(is_word(pattern.chars().next()) && is_word(before) || is_word(pattern.chars().next_back()) && is_word(after))
    })
}

/// The rows of all tables of the page that have its four columns.
fn rows(page: &str) -> Vec<Row> {
    let mut rows = Vec::new();
    let mut inside = false;
    for line in page.lines() {
        let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
        if !line.starts_with('|') {
            inside = false;
        } else if cells == ["file", "which", "must be there", "what to do"] {
            inside = true;
        } else if inside && !cells[0].starts_with("--") {
            let [file, which, patterns, _] = cells[..] else { panic!("{PAGE}: {line} has not four cells") };
            rows.push(Row { file: code(file).remove(0), which: which.to_owned(), patterns: code(patterns) });
        }
    }
    rows
}

/// What stands in backticks.
fn code(cell: &str) -> Vec<String> {
    cell.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

fn page() -> String {
    fs::read_to_string(contract::workspace_root().join(PAGE)).unwrap()
}

fn missing(rows: &[Row], vendor: &Known) -> Vec<String> {
    let root = contract::workspace_root();
    rows.iter().filter(|row| row.is_for(vendor)).flat_map(|row| row.missing(&root, vendor)).collect()
}

#[test]
fn every_row_of_the_checklist_holds_for_every_vendor() {
    let rows = rows(&page());
    assert!(rows.len() >= ROWS_MIN, "{PAGE} has {} rows only", rows.len());
    let found: Vec<String> = Vendor::ALL.into_iter().flat_map(|vendor| missing(&rows, &Known::of(vendor))).collect();
    assert!(found.is_empty(), "{PAGE} says what to do:\n{}", found.join("\n"));
}

#[test]
fn a_vendor_that_nobody_has_heard_of_is_missing_in_every_row() {
    let rows = rows(&page());
    let new = Known {
        in_items: "newvendor".to_owned(),
        in_code: "NewVendor".to_owned(),
        name: "New Vendor",
        sends_webhooks: true,
        is_carrier: true,
    };
    for row in &rows {
        assert!(!row.missing(&contract::workspace_root(), &new).is_empty(), "{row:?} asks for nothing");
    }
}

/// The compiler does not compare an enum with its list.
#[test]
fn the_lists_of_vendors_and_of_carriers_have_all_of_them() {
    let root = contract::workspace_root();
    for (file, name, listed) in [
        ("shared/src/gateway/policy.rs", "Vendor", Vendor::ALL.len()),
        ("shared/src/domain/shipping/carrier.rs", "Carrier", Carrier::ALL.len()),
    ] {
        let text = fs::read_to_string(root.join(file)).unwrap();
        let (_, body) = text.split_once(&format!("pub enum {name} {{\n")).unwrap();
        let (body, _) = body.split_once("\n}").unwrap();
        let variants = body.lines().map(str::trim).filter(|line| !line.starts_with("//") && line.ends_with(','));
        assert_eq!(variants.count(), listed, "{file}: {name}::ALL has not every variant");
    }
}

/// A file that names all vendors, or all that send webhooks, is a list; the page says what to do with it.
#[test]
fn no_list_of_vendors_is_missing_on_the_page() {
    let (root, page) = (contract::workspace_root(), page());
    let rows = rows(&page);
    let known = Vendor::ALL.map(Known::of);
    let is_on_the_page = |file: &str| {
        let in_rows = rows.iter().any(|row| known.iter().any(|vendor| vendor.filled_in(&row.file) == file));
        in_rows || page.contains(&format!("`{file}`"))
    };
    let mut found = Vec::new();
    let entries = WalkDir::new(&root).into_iter();
    let ours = entries.filter_entry(|entry| !NOT_SOURCES.iter().any(|not| entry.file_name() == *not));
    for entry in ours.filter_map(Result::ok).filter(|entry| entry.file_type().is_file()) {
        let file = entry.path().strip_prefix(&root).unwrap().to_string_lossy().replace('\\', "/");
        let is_text = ["rs", "toml", "tsv", "yaml", "yml", "md"].iter().any(|end| file.ends_with(&format!(".{end}")));
        if !is_text || NO_LISTS.contains(&file.as_str()) || file.starts_with("infra/decisions/") {
            continue;
        }
        let text = fs::read_to_string(entry.path()).unwrap();
        let told = |vendor: &Known| {
            [&vendor.in_items, &vendor.in_code, vendor.name].iter().any(|name| names(&text, name))
                || text.contains(&format!("{}_", vendor.in_items))
                || text.contains(&format!("{}Webhook", vendor.in_code))
        };
        if known.iter().filter(|vendor| vendor.sends_webhooks).all(told) && !is_on_the_page(&file) {
            found.push(file);
        }
    }
    found.sort();
    assert!(found.is_empty(), "they name every vendor and are not on {PAGE}:\n{}", found.join("\n"));
}

#[test]
fn a_name_inside_of_another_word_is_not_there() {
    assert!(!names("groups: [lookups]", "ups") && names("vendor: ups,", "ups") && names("UPS_SECRET_ID", "UPS_"));
    assert!(names("Self::Ups]", "Self::Ups") && !names("Self::Upset", "Self::Ups"));
}
