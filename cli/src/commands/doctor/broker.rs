//! The broker and its queues.

use common::{
    health::{self, Check},
    queue::amqp::{AmqpUrl, Topology, inspect},
    runtime::AmqpArgs,
    telemetry,
};

pub(super) async fn checks(args: &AmqpArgs) -> Vec<Check> {
    let report = match AmqpUrl::of(args) {
        Ok(None) => {
            return vec![Check {
                name: "broker",
                result: Ok("none is configured here (AMQP_URL); events pass through the spool".to_owned()),
            }];
        }
        Ok(Some(url)) => inspect(&url, &Topology::new(&args.amqp_prefix)).await,
        Err(error) => Err(error),
    };
    match report {
        Ok(report) => {
            let mut checks = vec![Check {
                name: "broker",
                result: Ok(report.version),
            }];
            checks.extend(report.queues.into_iter().map(|queue| match queue.depth {
                Some(depth) => health::judge_queue(&queue.name, depth),
                None => Check {
                    name: "queue",
                    result: Err(format!(
                        "{} is not declared: an ingest or a worker declares it when it connects",
                        queue.name
                    )),
                },
            }));
            checks
        }
        Err(error) => {
            let detail = format!(
                "{}. Events pass through the spool until it is back",
                telemetry::chain(&error)
            );
            vec![Check {
                name: "broker",
                result: Err(detail),
            }]
        }
    }
}
