//! The floors of the work list: who of `shared/src/effects/` may lean on whom, by a name or by a call.
//!
//! `impl WorkList` stands in many files, so that imports show the half of it only: a method that is called is an arrow to the
//! file that defines it.

use std::collections::{BTreeMap, BTreeSet};

use super::{Source, Tree, Violation};

/// Where the work list is.
const EFFECTS: &str = "shared/src/effects/";

/// The rooms and their floors: who is on one leans on those below it only, and on nobody beside it. Whoever is outside names
/// mod.rs, which names everybody; nobody inside names mod.rs.
const FLOORS: [(&str, u8); 10] = [
    ("list", 0),
    ("subject", 1),
    ("records", 1),
    ("work", 2),
    ("order", 2),
    ("intake", 3),
    ("inbound", 3),
    ("operate", 3),
    ("sweep", 3),
    ("mod", 4),
];

/// Methods that types of the standard library have too: a call of one on something unknown says nothing.
const OF_STD: [&str; 2] = ["entry", "replace"];

/// One file leans on another.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Arrow {
    from: String,
    line: usize,
    to: String,
    /// What of it.
    what: String,
}

/// No arrow of the work list runs up, or to a room beside.
pub fn the_work_list_leans_only_downwards(tree: &Tree) -> Vec<Violation> {
    const REASON: &str = "The floors of effects/: doors (intake, inbound, operate, sweep) → work → subject → list, by import and by \
        call; order and records stand beside them, and nobody inside names mod.rs";
    let runs_up = |arrow: &&Arrow| match (floor(&arrow.from), floor(&arrow.to)) {
        (Some(from), Some(to)) => room(&arrow.from) != room(&arrow.to) && to >= from,
        // A room that has no floor yet.
        _ => true,
    };
    let violation = |arrow: &Arrow| Violation {
        path: arrow.from.clone(),
        line: arrow.line,
        named: format!("{} of {}", arrow.what, arrow.to),
        reason: REASON,
    };
    arrows(tree).iter().filter(runs_up).map(violation).collect()
}

/// The files of one room lean on each other without a circle.
pub fn no_circle_inside_a_room_of_the_work_list(tree: &Tree) -> Vec<Violation> {
    const REASON: &str = "No circle among the files of one folder of effects/, by import or by call";
    let arrows = arrows(tree);
    let mut to: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for arrow in &arrows {
        to.entry(&arrow.from).or_default().insert(&arrow.to);
    }
    let leads_back = |arrow: &&Arrow| reached(&to, &arrow.to).contains(arrow.from.as_str());
    let violation = |arrow: &Arrow| Violation {
        path: arrow.from.clone(),
        line: arrow.line,
        named: format!("{} of {}", arrow.what, arrow.to),
        reason: REASON,
    };
    arrows.iter().filter(leads_back).map(violation).collect()
}

/// All files that one leans on, over any number of others.
fn reached<'a>(to: &BTreeMap<&'a str, BTreeSet<&'a str>>, first: &'a str) -> BTreeSet<&'a str> {
    let mut found = BTreeSet::from([first]);
    let mut open = vec![first];
    while let Some(file) = open.pop() {
        for next in to.get(file).into_iter().flatten() {
            if found.insert(next) {
                open.push(next);
            }
        }
    }
    found
}

/// Who leans on whom, each pair of files once: at the first line that shows it.
fn arrows(tree: &Tree) -> Vec<Arrow> {
    let inside: Vec<&Source> = tree.sources.iter().filter(|source| source.path.starts_with(EFFECTS)).collect();
    let files: BTreeSet<&str> = inside.iter().map(|source| source.path.as_str()).collect();
    let owners = owners(tree);
    let mut found: BTreeMap<(String, String), Arrow> = BTreeMap::new();
    let mut note = |source: &Source, line: usize, to: String, what: String| {
        if to != source.path {
            let arrow = Arrow { from: source.path.clone(), line, to, what };
            let first = found.entry((arrow.from.clone(), arrow.to.clone())).or_insert_with(|| arrow.clone());
            if arrow.line < first.line {
                *first = arrow;
            }
        }
    };
    for source in inside {
        for name in &source.names {
            if let Some(to) = file_of(&files, source, &name.path) {
                note(source, name.line, to, name.spelled());
            }
        }
        for call in &source.calls {
            let places = match &call.on {
                Some(owner) => owners.get(&(Some(owner.as_str()), call.name.as_str())),
                None if OF_STD.contains(&call.name.as_str()) => None,
                None => owners.get(&(None, call.name.as_str())),
            };
            // Of several methods of that name only the compiler knows which it is.
            if let Some([place]) = places.map(|places| places.iter().copied().collect::<Vec<_>>()).as_deref()
                && place.starts_with(EFFECTS)
            {
                note(source, call.line, (*place).to_owned(), format!("a call of {}()", call.name));
            }
        }
    }
    found.into_values().collect()
}

/// The files that define a method: of one type, or (`None`) of any.
fn owners(tree: &Tree) -> BTreeMap<(Option<&str>, &str), BTreeSet<&str>> {
    let mut owners: BTreeMap<(Option<&str>, &str), BTreeSet<&str>> = BTreeMap::new();
    for source in tree.sources.iter().filter(|source| source.path.starts_with("shared/src/")) {
        for method in &source.methods {
            let name = method.name.as_str();
            owners.entry((Some(&method.owner), name)).or_default().insert(&source.path);
            owners.entry((None, name)).or_default().insert(&source.path);
        }
    }
    owners
}

/// The file that a path means: the deepest module of it that is one. A path into a room of which no file is there (when a
/// rule is tried) means the room.
fn file_of(files: &BTreeSet<&str>, source: &Source, path: &[String]) -> Option<String> {
    let parts: Vec<&str> = path.iter().map(String::as_str).collect();
    let (base, parts) = match parts.as_slice() {
        ["crate", "effects", rest @ ..] if !rest.is_empty() => (EFFECTS.to_owned(), rest),
        // A module's own children: `pub use event::Event`.
        [_, _, ..] if source.path.ends_with("/mod.rs") => {
            (source.path.trim_end_matches("mod.rs").to_owned(), &parts[..])
        }
        _ => return None,
    };
    // `pub(super)` names the folder it is in, and leans on nobody.
    if base == EFFECTS && parts.len() == 1 && parts[0] == room(&source.path) {
        return None;
    }
    for length in (1..=parts.len()).rev() {
        let module = parts[..length].join("/");
        for file in [format!("{base}{module}.rs"), format!("{base}{module}/mod.rs")] {
            if files.contains(file.as_str()) {
                return Some(file);
            }
        }
    }
    if base != EFFECTS || source.path == format!("{EFFECTS}mod.rs") {
        return None;
    }
    let is_room = FLOORS.iter().any(|(room, _)| *room == parts[0]);
    Some(if is_room { format!("{EFFECTS}{}/mod.rs", parts[0]) } else { format!("{EFFECTS}mod.rs") })
}

fn room(path: &str) -> &str {
    let below = path.strip_prefix(EFFECTS).unwrap_or(path);
    let first = below.split('/').next().unwrap_or(below);
    first.strip_suffix(".rs").unwrap_or(first)
}

fn floor(path: &str) -> Option<u8> {
    FLOORS.iter().find(|(name, _)| *name == room(path)).map(|(_, floor)| *floor)
}
