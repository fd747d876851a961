//! Which shipped code knows the payment provider by name. Everything else works for any provider: adding a second one must
//! not begin with a search for the first.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests fail by panicking")]

use std::collections::BTreeMap;
use std::path::Path;

use walkdir::WalkDir;

/// The provider that exists.
const NAME: &str = "stripe";

/// Where it may be named as often as need be: its own folder and receiver, the wiring, and the table of parsers.
const ITS_OWN: [&str; 5] = [
    "shared/src/vendors/stripe/",
    "functions/stripe-webhook/",
    "functions/secret-rotator/src/stripe.rs",
    "shared/src/lambda/system.rs",
    "shared/src/vendors/webhooks.rs",
];

/// Where else it is named, how often, and why. Whoever adds a provider adds it here too, and the compiler leads there.
const ELSEWHERE: [(&str, usize, &str); 10] = [
    ("functions/health-ready/src/checks.rs", 7, "which vendor that is shut makes the shop ill"),
    ("shared/src/telemetry/metrics.rs", 3, "the vendors that a metric tells apart"),
    ("functions/secret-rotator/src/handler.rs", 11, "whose keys are renewed"),
    ("shared/src/domain/input/card_number/published.rs", 2, "card numbers that providers publish for tests"),
    ("shared/src/domain/provider.rs", 2, "the names of the providers, as items have them"),
    ("shared/src/effects/list/kind.rs", 2, "each provider has kinds of intents of its own"),
    ("shared/src/lambda/http/route.rs", 1, "the path of its REST door, as the log names it"),
    ("shared/src/gateway/policy.rs", 12, "what each vendor allows, in one table"),
    ("shared/src/vendors/mod.rs", 1, "declares the folder"),
    ("shared/src/vendors/payment_provider.rs", 9, "the closed set of providers"),
];

/// How often a source's code names it: not in comments, not in unit tests.
fn times(text: &str) -> usize {
    let shipped = text.split("#[cfg(test)]\nmod tests").next().unwrap_or_default();
    let code = shipped.lines().map(|line| match line.trim_start() {
        comment if comment.starts_with("//") => "",
        _ => line.split(" // ").next().unwrap_or_default(),
    });
    code.map(|line| line.to_ascii_lowercase().matches(NAME).count()).sum()
}

/// How often each shipped source names it, but for those that may.
fn named(root: &Path) -> BTreeMap<String, usize> {
    let files = ["shared/src", "functions"].into_iter().flat_map(|folder| WalkDir::new(root.join(folder)));
    let files = files.map(Result::unwrap).filter(|file| file.path().extension().is_some_and(|ending| ending == "rs"));
    let counted = files.map(|file| {
        let path = file.path().strip_prefix(root).unwrap().to_string_lossy().into_owned();
        (path, times(&std::fs::read_to_string(file.path()).unwrap()))
    });
    counted.filter(|(path, times)| *times > 0 && !ITS_OWN.iter().any(|own| path.starts_with(own))).collect()
}

#[test]
fn only_these_places_name_the_payment_provider() {
    let wanted: BTreeMap<String, usize> =
        ELSEWHERE.iter().map(|(path, times, _)| ((*path).to_owned(), *times)).collect();
    assert_eq!(named(&contract::workspace_root()), wanted, "counted on the left, wanted on the right");
}

#[test]
fn the_places_that_may_name_it_are_there() {
    for own in ITS_OWN {
        assert!(contract::workspace_root().join(own).exists(), "{own}");
    }
}

#[test]
fn code_is_counted_and_comments_and_unit_tests_are_not() {
    assert_eq!(times("use crate::vendors::stripe::Stripe;\n"), 2);
    assert_eq!(times("const BASE: &str = \"STRIPE_API_BASE\"; // Stripe's\n"), 1);
    assert_eq!(times("/// Stripe.\n//! Stripe.\n    // Stripe\nfn f() {}\n"), 0);
    assert_eq!(times("fn f() {}\n\n#[cfg(test)]\nmod tests {\n    use stripe;\n}\n"), 0);
}
