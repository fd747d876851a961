//! Wordings that are kept at the provider: put there once, and used from then on.

use sandbox::{CallFault, Vendor};
use serde_json::json;
use simulation::Probe;
use simulation::universe::{Function, Universe};

use crate::{ask_and_wait, mail, mails_asked_for, promotion_by_mail, wants};

/// The wordings.
const WORDINGS: usize = 7;

/// Puts the templates there; whether that went well.
async fn push(universe: &Universe) -> bool {
    let system = universe.system(Function::EmailSender, &Probe::new());
    let (library, list) = (system.sendgrid_library().unwrap(), system.work_list().unwrap());
    library.push(&list).await.is_ok()
}

fn names(universe: &Universe) -> Vec<String> {
    let sandbox = universe.sandbox();
    let mut names: Vec<String> = sandbox.sendgrid().templates().iter().map(|template| template.name.clone()).collect();
    names.sort();
    names.dedup();
    names
}

#[tokio::test(start_paused = true)]
async fn putting_the_templates_there_twice_or_after_it_was_interrupted_leaves_one_of_each() {
    for (operation, fault) in [
        ("create_template", CallFault::LostAnswer),
        ("create_version", CallFault::LostAnswer),
        ("create_version", CallFault::ErrorBefore { status: 500 }),
    ] {
        let universe = Universe::new(1);
        universe.sandbox().faults().next_calls(Vendor::SendGrid, operation, 1, fault);
        assert!(!push(&universe).await, "{operation}");
        assert!(push(&universe).await && push(&universe).await);
        let sandbox = universe.sandbox();
        let templates = sandbox.sendgrid().templates();
        assert_eq!(templates.len(), WORDINGS, "{operation}");
        assert!(templates.iter().all(|template| template.versions.len() == 1 && template.active().is_some()));
        drop(sandbox);
        assert_eq!(names(&universe).len(), WORDINGS);
    }
}

#[tokio::test(start_paused = true)]
async fn a_mail_says_the_same_by_its_template_as_without_one() {
    let mut said = Vec::new();
    for pushed in [false, true] {
        let mut universe = Universe::new(1);
        if pushed {
            assert!(push(&universe).await);
        }
        wants(&mut universe, "email", "ada@example.com", true, "2024-04-01T00:00:00Z").await;
        let mut promotion = promotion_by_mail();
        promotion["data"]["url"] = json!("https://shop.example/spring");
        for (n, body) in [
            mail("order_confirmation", json!({ "amount": { "value": 1099, "currency": "EUR" } })),
            mail("welcome", json!({})),
            mail("password_reset", json!({ "reset_url": "https://shop.example/reset/1" })),
            promotion,
        ]
        .iter()
        .enumerate()
        {
            ask_and_wait(&mut universe, &format!("m-{n}"), body).await;
        }
        let by_template = mails_asked_for(&universe).iter().filter(|mail| mail["template_id"].is_string()).count();
        assert_eq!(by_template, if pushed { 4 } else { 0 });
        let sandbox = universe.sandbox();
        let mails = sandbox.sendgrid().mails().iter();
        said.push(mails.map(|mail| (mail.subject.clone(), mail.content.clone())).collect::<Vec<_>>());
    }
    assert_eq!(said[0], said[1]);
}

#[tokio::test(start_paused = true)]
async fn a_mail_without_what_its_template_shows_is_written_here() {
    let mut universe = Universe::new(1);
    assert!(push(&universe).await);
    let body = mail("shipping_notification", json!({ "carrier": "DHL", "tracking_number": "JD014" }));
    ask_and_wait(&mut universe, "m-1", &body).await;
    assert!(mails_asked_for(&universe)[0]["template_id"].is_null());
}

#[tokio::test(start_paused = true)]
async fn what_somebody_made_of_a_template_at_sendgrid_is_left_alone() {
    let universe = Universe::new(1);
    assert!(push(&universe).await);
    let before = universe.sandbox().calls().len();
    assert!(push(&universe).await);
    let sandbox = universe.sandbox();
    assert!(sandbox.calls()[before..].iter().all(|call| call.method == "GET"), "nothing was written");
}
