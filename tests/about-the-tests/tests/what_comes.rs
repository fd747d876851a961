//! The first test program that Cargo runs. It says what comes.

#![allow(clippy::print_stdout, reason = "that is all it is for")]

fn main() {
    println!("\n{}", include_str!("../what_comes.txt"));
}
