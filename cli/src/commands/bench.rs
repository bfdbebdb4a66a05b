//! `commissary bench`: how fast this product is on this machine, as parts of what the bare servers do.

use std::{net::SocketAddr, path::PathBuf};

use anyhow::{Context as _, bail};
use clap::ValueEnum as _;
use common::runtime::Clock;
use secrecy::SecretString;

use crate::{
    bench::{self, CONNECTIONS, Place, Plan, Scenario},
    print, roles,
};

const HELP: &str = "\
Everything is measured in one run, on the same servers, with the load beside it:

  B  the broker's floor: one persistent, confirmed message of 600 bytes for each event, 1,000 of them under way
  D  the database's floor: the rows of each sale into copies of the tables, in transactions of 500, by two connections
  H  HTTP's floor: a handler that only parses the body of the same requests

B and D are measured before and after each figure; a ratio is to their mean. Of several rounds the medians are told. Other work on
the machine makes figures useless.

Without DATABASE_URL and AMQP_URL private servers are started from the installed programs, durable (fsync on), and removed at the
end, also after Ctrl-C. With them a database of its own is made there and dropped at the end, and queues of its own.

The exit code is 1 when what was answered is not what is applied, or the ledger check finds something. A target that is missed is
told and is no failure.

Examples:
  commissary bench --quick
  commissary bench sync paced --rounds 3
  commissary bench --json > before.json";

/// Seconds of a figure, and events of a backlog, of a quick look.
const QUICK_SECONDS: u64 = 3;
const QUICK_ROWS: u64 = 20_000;
const QUICK_CONNECTIONS: [usize; 2] = [1, 64];

/// Measure how fast events are accepted and applied here, as parts of what the bare broker and the bare database do.
#[derive(Debug, clap::Args)]
#[command(after_help = HELP)]
pub(crate) struct Args {
    /// What to measure; everything if nothing is named. `--list` says what each is
    #[arg(value_name = "SCENARIO")]
    scenarios: Vec<Scenario>,
    /// List the scenarios
    #[arg(long)]
    list: bool,
    /// A short look: few seconds, few rows, few connections
    #[arg(long)]
    quick: bool,
    /// Seconds that each figure is measured, after a quarter of that which is not
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=3600))]
    seconds: u64,
    /// Numbers of connections that the maximum is looked for with
    #[arg(long, value_name = "N,...", value_delimiter = ',', default_values_t = CONNECTIONS)]
    connections: Vec<usize>,
    /// Events of a backlog that is drained
    #[arg(long, value_name = "N", default_value_t = 500_000, value_parser = clap::value_parser!(u64).range(1..))]
    rows: u64,
    /// Conversions that are stored before the scenario `stored`
    #[arg(long, value_name = "N", default_value_t = 1_000_000)]
    stored: u64,
    /// How often everything is measured; the medians are told
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u8).range(1..))]
    rounds: u8,
    /// Print JSON
    #[arg(long)]
    json: bool,
    /// Write a chart of the ratios and their targets, too
    #[arg(long, value_name = "FILE")]
    svg: Option<PathBuf>,
    /// Where private servers live meanwhile: a directory on the disk that is to be measured
    #[arg(long, value_name = "DIR", default_value = ".commissary-bench")]
    state: PathBuf,
    /// Measure on this server, in a database of its own
    #[arg(long, env = "DATABASE_URL", hide_env_values = true, value_name = "URL")]
    database_url: Option<SecretString>,
    /// Measure on this broker, in queues of its own
    #[arg(long, env = "AMQP_URL", hide_env_values = true, value_name = "URL")]
    amqp_url: Option<SecretString>,
    /// Serve the floor of HTTP: the measurement starts it so
    #[arg(long = "listen", hide = true)]
    http_floor: Option<SocketAddr>,
}

pub(crate) async fn run(args: Args, clock: &Clock) -> anyhow::Result<()> {
    if let Some(address) = args.http_floor {
        return bench::serve_http_floor(address).await;
    }
    if args.list {
        return list();
    }
    let (plan, scenarios) = (args.plan()?, args.scenarios());
    let supervisor = roles::supervisor("servers and data of the measurement are removed first")?;
    let place = Place {
        state: args.state,
        database_url: args.database_url,
        amqp_url: args.amqp_url,
    };
    let what = (scenarios.as_slice(), usize::from(args.rounds));
    let report = bench::run(place, plan, what, clock, &supervisor.stop()).await?;
    if let Some(file) = &args.svg {
        std::fs::write(file, report.svg()).with_context(|| format!("writing {}", file.display()))?;
    }
    if args.json {
        print::print_json(&report)?;
    } else {
        print::print(report.text())?;
    }
    if !report.proved {
        bail!("what was answered is not what is applied: see the proofs");
    }
    Ok(())
}

impl Args {
    fn plan(&self) -> anyhow::Result<Plan> {
        if self
            .connections
            .iter()
            .any(|number| !(1..=10_000).contains(number))
        {
            bail!("--connections are numbers from 1 to 10000");
        }
        let mut plan = Plan {
            seconds: self.seconds,
            connections: self.connections.clone(),
            rows: self.rows,
            stored: self.stored,
        };
        if self.quick {
            plan.seconds = plan.seconds.min(QUICK_SECONDS);
            plan.rows = plan.rows.min(QUICK_ROWS);
            plan.stored = plan.stored.min(QUICK_ROWS);
            if self.connections == CONNECTIONS {
                plan.connections = QUICK_CONNECTIONS.to_vec();
            }
        }
        Ok(plan)
    }

    fn scenarios(&self) -> Vec<Scenario> {
        if self.scenarios.is_empty() {
            return Scenario::value_variants().to_vec();
        }
        self.scenarios.clone()
    }
}

fn list() -> anyhow::Result<()> {
    let mut rows = print::table(&["SCENARIO", "WHAT IT MEASURES"]);
    for scenario in Scenario::value_variants() {
        let value = scenario.to_possible_value().context("a scenario has a name")?;
        let help = value.get_help().map(ToString::to_string).unwrap_or_default();
        rows.add_row([value.get_name(), &help]);
    }
    print::print(rows.trim_fmt())
}
