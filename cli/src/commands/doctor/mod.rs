//! `commissary doctor`: what is wrong, in sentences.

mod broker;
mod disk;
mod role;

use common::{
    db::{
        self,
        doctor::{DatabaseReport, Trouble},
        grants::{self, DatabaseRole, RoleNames},
        spool::Newer,
    },
    health::{self, Check},
    message::ENVELOPE_VERSION,
    runtime::{AmqpArgs, Clock, DbArgs},
    telemetry,
};

use super::migrate::newest_version;
use crate::{print, printable::line, roles::api::ApiArgs};

/// The schema from which on there are heartbeats.
const HEARTBEATS: i64 = 49;

/// Say what is wrong with the installation and what to do: workers, queues, lag, dead letters, database, clocks, disk. Exit code 1 then.
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
    checks.extend(broker::checks(&args.amqp).await);
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
                Ok(detail) => print::print(format!("ok     {}: {}", check.name, line(detail)))?,
                Err(detail) => print::print(format!("WRONG  {}: {}", check.name, line(detail)))?,
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
        let of_role = grants::inspect(&pool, &args.names, args.role).await?;
        Ok::<_, db::DbError>((pool, report, of_role))
    };
    match report.await {
        Ok((pool, report, of_role)) => {
            let mut checks = judge_database(&report);
            if report.migration.is_some_and(|version| version >= HEARTBEATS) {
                checks.extend(installation(&pool, &report, clock).await);
            }
            checks.push(disk::check(&pool).await);
            checks.push(role::judge(&of_role, &args.names));
            checks
        }
        Err(error) => {
            let detail = format!(
                "{}. Check DATABASE_URL and that the server runs. Nothing is applied until it does; events are accepted as long as \
                 the broker takes them",
                telemetry::chain(&error)
            );
            vec![Check {
                name: "database",
                result: Err(detail),
            }]
        }
    }
}

/// What processes, queues and events say.
async fn installation(pool: &db::Pool, report: &DatabaseReport, clock: &Clock) -> Vec<Check> {
    match health::database(pool).await {
        Ok(found) => {
            let queue_since = health::queue_since_as_told(&found);
            health::judge(&found, report.lately.as_ref(), queue_since, clock.now())
        }
        Err(error) => vec![Check {
            name: "workers",
            result: Err(format!(
                "nobody knows whether any lives, nor what waits: {error}. Where this user may not look, run `commissary migrate --grants`"
            )),
        }],
    }
}

fn judge_database(report: &DatabaseReport) -> Vec<Check> {
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
