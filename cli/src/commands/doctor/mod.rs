//! `commissary doctor`: what is wrong, in sentences.

mod check;
mod role;

use common::{
    db::{
        self,
        doctor::{DatabaseReport, Trouble},
        grants::{self, DatabaseRole, RoleNames},
        spool::Newer,
    },
    message::ENVELOPE_VERSION,
    queue::amqp::{AmqpUrl, Topology, inspect},
    runtime::{AmqpArgs, Clock, DbArgs},
    telemetry,
};

use check::Check;

use super::migrate::newest_version;
use crate::{print, roles::api::ApiArgs};

/// Clocks further apart than this confuse receipts and reports.
const CLOCK_SKEW_SECONDS: i64 = 5;

/// Check database, its role, broker, topology, migrations, clock and GeoIP file, and say what is wrong and what to do.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    db: DbArgs,
    #[command(flatten)]
    amqp: AmqpArgs,
    #[command(flatten)]
    api: ApiArgs,
    #[command(flatten)]
    names: RoleNames,
    /// Whose role of the database this is to be; else its name tells.
    #[arg(long, env = "COMMISSARY_ROLE", value_name = "ROLE")]
    role: Option<DatabaseRole>,
    /// Print nothing but what is wrong.
    #[arg(long)]
    quiet: bool,
    /// Print one JSON object: {"ok", "checks": [{"check", "ok", "detail"}]}.
    #[arg(long, conflicts_with = "quiet")]
    json: bool,
}

pub(crate) async fn run(args: Args, clock: &Clock) -> anyhow::Result<()> {
    let mut checks = database(&args, clock).await;
    checks.extend(broker(&args.amqp).await);
    checks.push(geoip(&args.api));
    let wrong = checks.iter().filter(|check| check.result.is_err()).count();
    if args.json {
        let list: Vec<_> = checks
            .iter()
            .map(|check| {
                let (Ok(detail) | Err(detail)) = &check.result;
                serde_json::json!({ "check": check.name, "ok": check.result.is_ok(), "detail": detail })
            })
            .collect();
        print::print(serde_json::json!({ "ok": wrong == 0, "checks": list }).to_string())?;
    } else {
        for check in &checks {
            match &check.result {
                Ok(_) if args.quiet => {}
                Ok(detail) => print::print(format!("ok     {}: {detail}", check.name))?,
                Err(detail) => print::print(format!("WRONG  {}: {detail}", check.name))?,
            }
        }
    }
    if wrong > 0 {
        anyhow::bail!("{wrong} of {} checks found something wrong", checks.len());
    }
    Ok(())
}

async fn database(args: &Args, clock: &Clock) -> Vec<Check> {
    let report = async {
        let pool = db::connect(&args.db.database_url, 1, "commissary doctor").await?;
        let report = db::doctor::inspect(&pool).await?;
        Ok::<_, db::DbError>((report, grants::inspect(&pool, &args.names, args.role).await?))
    };
    match report.await {
        Ok((report, of_role)) => {
            let mut checks = judge_database(&report, clock);
            checks.push(role::judge(&of_role, &args.names));
            checks
        }
        Err(error) => {
            let detail = format!(
                "{}. Check DATABASE_URL and that the server runs",
                telemetry::chain(&error)
            );
            vec![Check {
                name: "database",
                result: Err(detail),
            }]
        }
    }
}

fn judge_database(report: &DatabaseReport, clock: &Clock) -> Vec<Check> {
    let mut checks = Vec::new();
    let mut add = |name, well: bool, detail: String| {
        checks.push(Check {
            name,
            result: if well { Ok(detail) } else { Err(detail) },
        });
    };
    add(
        "database",
        report.version_number >= 150_000,
        format!("PostgreSQL {} (15 or later is needed)", report.version),
    );
    add(
        "writable",
        !report.read_only,
        "the server takes writes (a standby does not)".to_owned(),
    );
    let newest = newest_version();
    let migrations = match report.migration {
        Some(version) if version == newest => (true, format!("the schema is at version {version}")),
        Some(version) => (
            false,
            format!(
                "the schema is at version {version}, this binary needs {newest}: run `commissary migrate`"
            ),
        ),
        None => (
            false,
            "the schema is missing: run `commissary migrate`".to_owned(),
        ),
    };
    add("migrations", migrations.0, migrations.1);
    let skew = (clock.now() - report.now).num_seconds().abs();
    add(
        "clock",
        skew <= CLOCK_SKEW_SECONDS,
        format!("{skew} s apart from the database's; {CLOCK_SKEW_SECONDS} s are tolerated"),
    );
    if let Some(waiting) = &report.waiting {
        add("spool", true, format!("{} envelopes wait", waiting.spooled));
        add(
            "events",
            true,
            format!(
                "{} queued, {} parked, {} dead",
                waiting.queued, waiting.parked, waiting.dead
            ),
        );
    }
    if let Some(trouble) = &report.trouble {
        let (well, detail) = newer(trouble);
        add("versions", well, detail);
        let (well, detail) = crash_loops(trouble);
        add("crashes", well, detail);
    }
    checks
}

fn newer(trouble: &Trouble) -> (bool, String) {
    match trouble.newer {
        None => (
            true,
            format!("no envelope is of a later version than {ENVELOPE_VERSION}, which this binary knows"),
        ),
        Some(Newer { envelopes, version }) => (
            false,
            format!(
                "{envelopes} envelopes wait for workers of a later version: {version}, and this binary knows {ENVELOPE_VERSION}. \
                 Update the workers; nothing waits behind them"
            ),
        ),
    }
}

fn crash_loops(trouble: &Trouble) -> (bool, String) {
    let detail = match trouble.crash_loops {
        0 => "no event ended the process that applied it".to_owned(),
        events => format!(
            "{events} event{} ended the process that applied it. See `commissary dlq list --code crash_loop`; report it, and replay \
             after an update",
            if events == 1 { "" } else { "s" }
        ),
    };
    (trouble.crash_loops == 0, detail)
}

async fn broker(args: &AmqpArgs) -> Vec<Check> {
    let report = match AmqpUrl::of(args) {
        Ok(None) => {
            return vec![Check {
                name: "broker",
                result: Ok("none is configured; events pass through the spool".to_owned()),
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
            for queue in report.queues {
                let result = match queue.depth {
                    Some(depth) => Ok(format!(
                        "{}: {} messages, {} consumers",
                        queue.name, depth.messages, depth.consumers
                    )),
                    None => Err(format!(
                        "{} is not declared: an ingest or a worker declares it when it connects",
                        queue.name
                    )),
                };
                checks.push(Check {
                    name: "queue",
                    result,
                });
            }
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

fn geoip(args: &ApiArgs) -> Check {
    let result = match args.geoip() {
        Ok(Some(geoip)) => Ok(format!("clicks have countries by {}", geoip.kind())),
        Ok(None) => Ok("no file is configured; clicks have no country".to_owned()),
        Err(error) => Err(format!(
            "{}. The control plane does not start with it",
            telemetry::chain(&error)
        )),
    };
    Check {
        name: "geoip",
        result,
    }
}
