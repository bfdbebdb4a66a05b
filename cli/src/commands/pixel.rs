//! `commissary pixel`: signs the links of pixels.

use anyhow::Context as _;
use common::db::{self, keys};
use ingest::pixel;
use secrecy::{ExposeSecret, SecretString};

use crate::print::print;

/// Sign the links of pixels
///
/// A pixel's key stands in the page for everybody to read, so what comes by it stays pending. A signature, made with the
/// pixel's secret, proves that your backend made the link: then the conversion follows the program's approval.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Print a link with its signature
    ///
    /// For trying, and for checking your own code: your backend signs each order's link by itself. docs/PIXEL.md has
    /// the recipe in PHP, JavaScript and Python.
    #[command(after_long_help = SIGN_EXAMPLE)]
    Sign(Sign),
}

const SIGN_EXAMPLE: &str = "\
Example, with the secret from the database (DATABASE_URL):

  $ commissary pixel sign --org demo 'https://track.example.com/p/demo-pixel.gif?external_id=ORD-7&coupon=JANE10OFF'

Quote the link: the shell would take its & for itself. Its parameters may stand in any order; they are printed in the
order that is signed. Every one is covered: change one, and the signature no longer fits. Such a link counts as if it
had none.";

#[derive(Debug, clap::Args)]
struct Sign {
    /// The link: https://HOST/p/PIXEL_KEY.gif?external_id=...
    url: String,
    /// The organisation whose pixel it is: the secret comes from the database
    #[arg(long, value_name = "SLUG", required_unless_present = "secret")]
    org: Option<String>,
    /// The pixel's key; otherwise the link's
    #[arg(long, value_name = "KEY", conflicts_with = "secret")]
    pixel: Option<String>,
    /// The pixel's secret itself, where there is no database; other users of this machine may see it
    #[arg(long, conflicts_with = "org")]
    secret: Option<SecretString>,
    /// PostgreSQL, as `postgres://user:password@host/database`; with --org
    #[arg(long, env = "DATABASE_URL", hide_env_values = true, value_name = "URL")]
    database_url: Option<SecretString>,
}

pub(crate) async fn run(args: Args) -> anyhow::Result<()> {
    match args.command {
        Command::Sign(args) => sign(args).await,
    }
}

async fn sign(args: Sign) -> anyhow::Result<()> {
    let of_link = pixel::key_of_url(&args.url)
        .context("this is not the link of a pixel: it must look like https://HOST/p/PIXEL_KEY.gif?...")?;
    let secret = match (args.secret, args.org) {
        (Some(secret), _) => secret,
        (None, Some(org)) => {
            let url = args
                .database_url
                .context("the secret is in the database: set DATABASE_URL, or give --secret")?;
            let pool = db::connect(&url, 1, "commissary pixel").await?;
            let key = args.pixel.as_deref().unwrap_or(of_link);
            keys::pixel_secret(&mut *pool.acquire().await?, &org, key).await?
        }
        (None, None) => anyhow::bail!("give --org, or --secret"),
    };
    print(pixel::signed_url(&args.url, secret.expose_secret())?)
}
