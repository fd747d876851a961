//! Says before the build what comes: the only line of Cargo's that a build script can print for a person is a warning.

fn main() {
    println!("cargo::rerun-if-changed=what_comes.txt");
    for line in include_str!("what_comes.txt").lines() {
        println!("cargo::warning={line}");
    }
}
