//! The list of sources: whole, honest, and no longer than needed.

#![allow(
    clippy::disallowed_methods,
    reason = "the folder of specifications and the file of what was given are switches of tests"
)]
#![allow(clippy::print_stdout, reason = "it prints its counts")]

use sandbox::sources::{GIVEN_FILE, Source, What, entry, guesses, of};
use sandbox::{Dial, Vendor};
use std::collections::BTreeSet;
use std::path::Path;

#[test]
fn each_thing_is_named_once_and_its_source_says_where() {
    for vendor in Vendor::ALL {
        let mut seen = BTreeSet::new();
        for line in of(vendor) {
            for what in line.each() {
                assert!(seen.insert(what.to_string()), "{} has two lines for {what}", vendor.name());
            }
            let text = line.source.to_string();
            assert!(text.split(": ").all(|part| !part.is_empty()), "{}: {text}", line.names);
        }
    }
}

#[test]
fn a_specification_that_is_named_is_there() {
    let Ok(folder) = std::env::var("CROSSDOCK_SPECS") else {
        println!("CROSSDOCK_SPECS is not set: no specification is looked for");
        return;
    };
    let dials = Dial::ALL.into_iter().map(|(_, _, source)| source);
    for source in Vendor::ALL.into_iter().flat_map(of).map(|line| line.source).chain(dials) {
        if let Source::Spec(place) = source {
            let file = place.split([':', ',', ';']).next().unwrap_or_default();
            let path = Path::new(&folder).join(file);
            // Relative to the workspace, as CI names it.
            let there = path.exists() || Path::new("../..").join(&path).exists();
            assert!(there, "{} is not there: {source}", path.display());
        }
    }
}

#[test]
fn guesses_are_counted_and_lines_that_no_test_needs_are_shown() {
    let (count, all) = guesses();
    println!("sources: {all} answers, events and dials, {count} of them guesses");
    for (dial, vendor, source) in Dial::ALL {
        println!("dial {dial:?} ({}): {source}", vendor.name());
    }
    let Some(given) = std::env::var_os(GIVEN_FILE).and_then(|path| std::fs::read_to_string(path).ok()) else {
        println!("{GIVEN_FILE} names no file: what no test needs is not looked for");
        return;
    };
    let given: BTreeSet<&str> = given.lines().collect();
    let is_needed = |vendor: Vendor, line: &sandbox::sources::Entry| {
        given.iter().filter_map(|text| parsed(vendor, text)).any(|what| line.names_it(&what))
    };
    for vendor in Vendor::ALL {
        for line in of(vendor).iter().filter(|line| !is_needed(vendor, line)) {
            println!("no test needs: {} {} {:?} {}", vendor.name(), line.names, line.status, line.codes);
        }
    }
    let is_unlisted = |text: &&&str| {
        let named = |vendor| parsed(vendor, text).is_some_and(|what| entry(vendor, &what).is_some());
        !Vendor::ALL.into_iter().any(named)
    };
    assert_eq!(given.iter().filter(is_unlisted).collect::<Vec<_>>(), Vec::<&&str>::new(), "not in the list");
}

/// A line of the file of what was given, if it is this vendor's.
fn parsed(vendor: Vendor, text: &str) -> Option<What<'_>> {
    let what = text.strip_prefix(vendor.name())?.strip_prefix(' ')?;
    if let Some(kind) = what.strip_prefix("event ") {
        return Some(What::Event(kind));
    }
    let (operation, rest) = what.split_once(" → ")?;
    let (status, code) = rest.split_once(' ')?;
    Some(What::Answer { operation, status: status.parse().ok()?, code })
}
