//! `crossdock quota`: how much of what the vendors allow is in use.

use anyhow::Result;
use crossdock::gateway::Vendor;
use crossdock::gateway::quota::{key, usage};

use crate::stack::Stack;

/// Characters of a full bar.
const BAR: f64 = 20.0;

pub(crate) async fn run(stack: &Stack) -> Result<()> {
    let list = stack.list()?;
    let quotas = Vendor::ALL.into_iter().flat_map(|vendor| vendor.quotas().iter().map(move |lane| (vendor, *lane)));
    for (vendor, lane) in quotas {
        let quota = vendor.quota(lane);
        for shard in 0..quota.shards {
            let item = list.table().get(&key(vendor.as_str(), &quota, shard)).await?;
            for limit in quota.limits {
                let used = item.as_ref().map_or(0.0, |item| {
                    usage(item, &quota, stack.now())
                        .into_iter()
                        .find(|(name, _)| *name == limit.name)
                        .map_or(0.0, |u| u.1)
                });
                println!(
                    "{:9} {:14} {:7} {:3.0} % of {} calls at once {}, then one each {} ms",
                    vendor.as_str(),
                    quota.name,
                    limit.name,
                    used * 100.0,
                    limit.burst,
                    bar(used),
                    limit.every.as_millis(),
                );
            }
        }
    }
    Ok(())
}

fn bar(used: f64) -> String {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "from 0 to 20")]
    let full = (used.clamp(0.0, 1.0) * BAR).round() as usize;
    "▇".repeat(full)
}
