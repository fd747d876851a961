//! What people read: the README is short, every link between documents leads somewhere, and every command that a document
//! shows is one that there is.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "tests fail by panicking, and say what is left"
)]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use contract::workspace_root;
use walkdir::WalkDir;

/// Three minutes' reading.
const README_LINES_MAX: usize = 150;
/// Folders that are not ours.
const NOT_OURS: [&str; 4] = ["target", ".git", ".local", "node_modules"];
/// Fewer commands would mean that this test can no longer read the documents.
const COMMANDS_MIN: usize = 40;
/// What Cargo and its plug-ins can do by themselves.
const OF_CARGO: [&str; 6] = ["test", "check", "lambda", "fmt", "clippy", "update"];

/// Every document, from the root, with its text.
fn documents() -> Vec<(String, String)> {
    let root = workspace_root();
    let entries = WalkDir::new(&root).sort_by_file_name().into_iter();
    let ours = entries.filter_entry(|entry| !NOT_OURS.iter().any(|not| entry.file_name() == *not));
    let files = ours.filter_map(Result::ok).filter(|entry| entry.path().extension().is_some_and(|end| end == "md"));
    let read = files.map(|entry| {
        let path = entry.path().strip_prefix(&root).unwrap().to_string_lossy().replace('\\', "/");
        (path, fs::read_to_string(entry.path()).unwrap())
    });
    read.collect()
}

/// A document without what stands in fences: links and headings are not looked for there.
fn prose(text: &str) -> String {
    let mut inside = false;
    let lines = text.lines().filter(|line| {
        let fence = line.trim_start().starts_with("```");
        inside ^= fence;
        !inside && !fence
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// The targets of a document's links, images too.
fn links(text: &str) -> Vec<String> {
    let text = prose(text);
    text.split("](").skip(1).filter_map(|rest| rest.split(')').next()).map(str::to_owned).collect()
}

/// The anchor that a heading gets: lower case, no punctuation, blanks as hyphens.
fn anchor(heading: &str) -> String {
    let kept = heading.trim().to_lowercase();
    let kept = kept.chars().filter(|c| c.is_alphanumeric() || [' ', '-', '_'].contains(c));
    kept.map(|c| if c == ' ' { '-' } else { c }).collect()
}

fn anchors(text: &str) -> BTreeSet<String> {
    let text = prose(text);
    text.lines().filter(|line| line.starts_with('#')).map(|line| anchor(line.trim_start_matches('#'))).collect()
}

/// Where a link of this document leads to, if that is nowhere.
fn leads_nowhere(root: &Path, document: &str, text: &str, link: &str) -> bool {
    if link.contains("://") || link.starts_with("mailto:") {
        return false;
    }
    let (path, wanted) = link.split_once('#').unwrap_or((link, ""));
    let target: PathBuf = root.join(document).parent().unwrap().join(path);
    let is_there = path.is_empty() || target.exists();
    let has_anchor = match (wanted, path) {
        ("", _) => true,
        (_, "") => anchors(text).contains(wanted),
        _ => fs::read_to_string(&target).is_ok_and(|text| anchors(&text).contains(wanted)),
    };
    !(is_there && has_anchor)
}

#[test]
fn the_readme_is_read_in_three_minutes() {
    let readme = fs::read_to_string(workspace_root().join("README.md")).unwrap();
    let lines = readme.lines().count();
    println!("README.md has {lines} lines; {README_LINES_MAX} are allowed");
    assert!(lines <= README_LINES_MAX, "README.md has {lines} lines; what is more belongs in infra/docs/");
}

#[test]
fn every_link_between_documents_leads_somewhere() {
    let root = workspace_root();
    let mut found = Vec::new();
    let mut seen = 0;
    for (document, text) in documents() {
        for link in links(&text) {
            seen += 1;
            if leads_nowhere(&root, &document, &text, &link) {
                found.push(format!("{document}: {link}"));
            }
        }
    }
    assert!(seen > 0, "no document has a link");
    assert!(found.is_empty(), "they lead nowhere:\n{}", found.join("\n"));
}

#[test]
fn a_link_that_leads_nowhere_is_found() {
    let root = workspace_root();
    let text = "# A heading: it's here\n[a](#a-heading-its-here) [b](no/such/file.md)\n```\n[not](a link)\n```\n";
    assert_eq!(links(text), ["#a-heading-its-here", "no/such/file.md"]);
    let nowhere = |link: &str| leads_nowhere(&root, "README.md", text, link);
    assert!(!nowhere("#a-heading-its-here") && nowhere("#another") && nowhere("no/such/file.md"));
    assert!(!nowhere("https://example.org/nothing") && nowhere("README.md#no-such-heading"));
}

/// The pages of infra/docs are found from the README.
#[test]
fn every_page_is_in_the_readme() {
    let readme = fs::read_to_string(workspace_root().join("README.md")).unwrap();
    for (document, _) in documents().iter().filter(|(document, _)| document.starts_with("infra/docs/")) {
        assert!(readme.contains(&format!("]({document}")), "README.md does not lead to {document}");
    }
}

/// The commands of ours that a document shows: lines of shell blocks, and code within a sentence.
fn commands(text: &str) -> Vec<String> {
    let mut all = Vec::new();
    let mut block = None;
    for line in text.lines() {
        if let Some(language) = line.trim_start().strip_prefix("```") {
            block = if block.is_none() { Some(language.trim().to_owned()) } else { None };
        } else if block.as_deref() == Some("sh") {
            all.push(line.split('#').next().unwrap_or_default().trim().to_owned());
        } else if block.is_none() {
            all.extend(line.split('`').skip(1).step_by(2).map(str::to_owned));
        }
    }
    let parts = all.iter().flat_map(|line| line.split(['|', ';', '$', '('])).map(|part| {
        let words = part.split_whitespace().skip_while(|word| word.starts_with("CROSSDOCK_") && word.contains('='));
        words.collect::<Vec<_>>().join(" ")
    });
    parts.filter(|command| command.starts_with("cargo ") || command.starts_with(".ci/")).collect()
}

/// The Rust sources below a folder, as one text.
fn sources(folder: &str) -> String {
    let entries = WalkDir::new(workspace_root().join(folder)).into_iter().filter_map(Result::ok);
    let files = entries.filter(|entry| entry.path().extension().is_some_and(|end| end == "rs"));
    files.map(|entry| fs::read_to_string(entry.path()).unwrap()).collect::<Vec<_>>().join("\n")
}

/// `looked-at` → `LookedAt`.
fn variant(word: &str) -> String {
    let parts = word.split('-').map(|part| {
        let (first, rest) = part.split_at(part.len().min(1));
        first.to_uppercase() + rest
    });
    parts.collect()
}

/// What is wrong with a command.
fn mistake(command: &str) -> Option<String> {
    let root = workspace_root();
    let words: Vec<&str> = command.split(' ').collect();
    if words[0] != "cargo" {
        return (!root.join(words[0]).exists()).then(|| format!("there is no {}", words[0]));
    }
    // Where each program's arguments are declared; its subcommands are variants there.
    let folder = match words[1] {
        "crossdock" => "infra/cli/src",
        "local" | "demo" => "infra/local/src",
        "simulate" => "tests/simulation/src",
        "measure" => "tests/bench/src",
        _ if OF_CARGO.contains(&words[1]) => return mistake_of_cargo(&root, &words),
        other => return Some(format!("there is no cargo {other}")),
    };
    let aliases = fs::read_to_string(root.join(".cargo/config.toml")).unwrap();
    if !aliases.contains(&format!("\n{} = ", words[1])) {
        return Some(format!(".cargo/config.toml has no alias {}", words[1]));
    }
    let declared = sources(folder);
    // The first words are subcommands, as far as they are plain words; then come values.
    let is_plain = |word: &&str| word.chars().all(|c| c.is_ascii_lowercase() || c == '-') && !word.starts_with('-');
    let depth = if words[1] == "crossdock" { 2 } else { 1 };
    for word in words[2..].iter().copied().take(depth).take_while(is_plain) {
        let name = variant(word);
        if ![",", "(", " {"].iter().any(|end| declared.contains(&format!("    {name}{end}"))) {
            return Some(format!("{folder} has no subcommand {word}"));
        }
    }
    let options = words[2..].iter().filter_map(|word| word.strip_prefix("--"));
    let unknown = options.map(|option| option.split('=').next().unwrap_or_default()).find(|option| {
        let field = format!(" {}:", option.replace('-', "_"));
        !declared.contains(&field) && !declared.contains(&format!("long = \"{option}\""))
    });
    unknown.map(|option| format!("{folder} has no option --{option}"))
}

fn mistake_of_cargo(root: &Path, words: &[&str]) -> Option<String> {
    let after = |flag: &str| words.iter().position(|word| *word == flag).and_then(|at| words.get(at + 1).copied());
    // What is updated is somebody else's.
    if let Some(package) = after("-p").filter(|_| words[1] != "update") {
        let places = ["", "tests/", "infra/", "functions/"].map(|folder| root.join(folder).join(package));
        let is_there = package == "crossdock" || places.iter().any(|place| place.join("Cargo.toml").exists());
        if !is_there {
            return Some(format!("there is no package {package}"));
        }
        let test = after("--test").map(|test| root.join("tests").join(package).join("tests").join(test));
        if test.as_ref().is_some_and(|test| !test.with_extension("rs").exists() && !test.join("main.rs").exists()) {
            return Some(format!("{package} has no test {test:?}"));
        }
    }
    if words[1..].first() == Some(&"lambda") && words.get(2) == Some(&"invoke") {
        let function = words.get(3).copied().unwrap_or_default();
        let file = after("--data-file").unwrap_or_default();
        let is_there = root.join("functions").join(function).exists() && root.join(file).is_file();
        return (!is_there).then(|| format!("no function {function}, or no file {file}"));
    }
    None
}

#[test]
fn every_command_that_a_document_shows_is_one_that_there_is() {
    let mut found = Vec::new();
    let mut seen = 0;
    for (document, text) in documents() {
        for command in commands(&text) {
            seen += 1;
            found.extend(mistake(&command).map(|why| format!("{document}: {command}: {why}")));
        }
    }
    assert!(seen >= COMMANDS_MIN, "only {seen} commands were found");
    assert!(found.is_empty(), "\n{}", found.join("\n"));
}

#[test]
fn a_command_that_there_is_not_is_found() {
    let text =
        "Run `cargo demo`, `CROSSDOCK_E2E=off cargo test` or:\n```sh\ncargo crossdock dlq lsit   # counted\n```\n";
    assert_eq!(commands(text), ["cargo demo", "cargo test", "cargo crossdock dlq lsit"]);
    for wrong in [
        "cargo crossdock dlq lsit",
        "cargo crossdock manual list --no-such-option",
        "cargo nothing",
        "cargo test -p nothing",
        "cargo test -p contract --test nothing",
        "cargo lambda invoke health --data-file events/nothing.json",
        ".ci/nothing",
    ] {
        assert!(mistake(wrong).is_some(), "{wrong}");
    }
    assert_eq!(mistake("cargo crossdock manual looked-at pi_1 --why words"), None);
    assert_eq!(mistake("cargo simulate crashes --beside-tests"), None);
}

/// `CROSSDOCK_…` in a document is read by somebody.
#[test]
fn every_variable_that_a_document_names_is_read() {
    let root = workspace_root();
    let readers = [sources("tests"), sources("infra"), fs::read_to_string(root.join(".ci/run")).unwrap()].join("\n");
    for (document, text) in documents() {
        for part in text.split("CROSSDOCK_").skip(1) {
            let name: String = part.chars().take_while(|c| c.is_ascii_uppercase() || *c == '_').collect();
            assert!(readers.contains(&format!("CROSSDOCK_{name}")), "{document}: nobody reads CROSSDOCK_{name}");
        }
    }
}
