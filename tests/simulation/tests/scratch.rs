#![allow(warnings, clippy::all)]
use simulation::shop::Flow;
use simulation::universe::Universe;
use simulation::*;
#[test]
fn scratch() {
    let flow = match std::env::var("FLOW").unwrap().as_str() {
        "s" => Flow::StoredError,
        "m" => Flow::MailAnswerLost,
        _ => Flow::AnswerLost,
    };
    let plan = std::env::var("AT").ok().map(|a| {
        let v: Vec<usize> = a.split(',').map(|x| x.parse().unwrap()).collect();
        (v[0], Plan::crash(v[1], if v[2] == 0 { When::Before } else { When::After }))
    });
    let rt = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    rt.block_on(async {
        let mut u = Universe::new(1);
        u.plans.extend(plan);
        flow.run(&mut u).await;
        for i in &u.invocations {
            println!("{:?} {:?} crashed={}", i.function, i.waves, i.crashed);
        }
        for c in u.sandbox().calls() {
            println!(
                "{} {} {} {:?}",
                c.at_ms - simulation::universe::START_MS,
                c.operation,
                c.path_and_query,
                c.status
            );
        }
        for i in u.aws().table().items() {
            println!("{}", i);
        }
        println!("{:#?}", invariants::violations(&u));
        println!("{:#}", simulation::shop::order(&mut u, "o-1").await);
    });
}
