//! The records of decisions: each is there, under the number of its file. What points to one finds it: see documents.rs.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests fail by panicking")]

use std::fs;

/// Fewer would be a title and a remark.
const A_FEW_LINES: usize = 5;

fn records() -> Vec<(String, String)> {
    let folder = contract::workspace_root().join("infra/decisions");
    let files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap());
    let read = files.map(|file| (file.file_name().into_string().unwrap(), fs::read_to_string(file.path()).unwrap()));
    read.collect()
}

#[test]
fn each_record_has_the_number_of_its_file_and_says_something() {
    let mut numbers = Vec::new();
    for (name, text) in records() {
        let number: usize = name.split('-').next().and_then(|number| number.parse().ok()).unwrap();
        assert!(text.starts_with(&format!("# {number}. ")), "{name} begins with {:?}", text.lines().next());
        assert!(text.lines().count() > A_FEW_LINES, "{name} says nothing");
        numbers.push(number);
    }
    numbers.sort_unstable();
    assert_eq!(numbers, (1..=numbers.len()).collect::<Vec<_>>(), "each number is there once");
}
