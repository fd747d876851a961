//! Rotations while orders come in, with instances that keep what they have read.

use sandbox::Vendor;
use simulation::invariants::violations;
use simulation::shop::{confirmed_payment, order};
use simulation::universe::Universe;

use crate::{LATER_MS, TOKEN, endpoint, rotation, sendgrid};

const MINUTE_MS: u64 = 60_000;

/// An order a minute for as long as the rotation takes, and the schedule each quarter of an hour.
async fn under_load(universe: &mut Universe, rotates_at: u64, minutes: u64) {
    universe.keeps_instances = true;
    for minute in 0..minutes {
        let name = format!("o-{minute}");
        let body = confirmed_payment(&name, "pm_card_visa");
        let created = universe.call("POST", "/payments", Some(&name), Some(&body)).await;
        assert_eq!(created.status(), 201, "{}", created.body());
        universe.run_until_quiet(i64::try_from(MINUTE_MS).unwrap()).await;
        if minute == rotates_at {
            assert_eq!(rotation(universe, TOKEN).await, Ok(()));
        } else if minute % 15 == 0 {
            assert_eq!(universe.do_what_a_rotation_left().await, Some(Ok(())));
        }
        universe.sleep_ms(MINUTE_MS).await;
    }
    universe.run_until_quiet(3_600_000).await;
    for minute in 0..minutes {
        let order = order(universe, &format!("o-{minute}")).await;
        assert_eq!(order["payment"]["status"], "succeeded", "{order}");
        assert_eq!(order["messages"][0]["status"], "delivered", "{order}");
    }
    let items = universe.aws().table().items();
    let steps: Vec<_> = items.iter().filter(|item| item["kind"] == "key.step").collect();
    assert_eq!(violations(universe), Vec::<String>::new(), "{steps:?}");
}

#[tokio::test(start_paused = true)]
async fn while_sendgrid_s_keys_are_rotated_no_mail_is_lost_and_no_call_is_refused() {
    let mut universe = sendgrid::universe();
    let minutes = LATER_MS / MINUTE_MS * 2;
    under_load(&mut universe, 5, minutes).await;
    assert!(!universe.sandbox().sendgrid().takes_key(sendgrid::OLD), "the rotation is over");
    let sandbox = universe.sandbox();
    let refused: Vec<_> = sandbox
        .calls()
        .iter()
        .filter(|call| call.vendor == Vendor::SendGrid && matches!(call.status, Some(401 | 403)))
        .map(|call| call.operation)
        .collect();
    assert!(refused.is_empty(), "{refused:?}");
    assert_eq!(sandbox.sendgrid().mails().len(), usize::try_from(minutes).unwrap());
}

#[tokio::test(start_paused = true)]
async fn while_stripe_s_endpoint_is_rotated_no_event_is_refused_or_lost() {
    let mut universe = endpoint::universe();
    under_load(&mut universe, 5, LATER_MS / MINUTE_MS * 2).await;
    let left = endpoint::endpoints(&universe);
    assert!(left.len() == 1 && left[0].0 != "we_sandbox" && left[0].1 == 16, "the rotation is over: {left:?}");
    let told = universe.sandbox().deliveries(Vendor::Stripe);
    assert_eq!((told.waiting, told.given_up, told.dropped, told.tries), (0, 0, 0, told.accepted));
}
