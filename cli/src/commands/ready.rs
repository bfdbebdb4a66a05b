//! `commissary ready`: a health check without curl, for containers.

use std::time::Duration;

use anyhow::{Context as _, bail};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

const DEADLINE: Duration = Duration::from_secs(3);

/// Exit with success when the server at URL answers /readyz with 200.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Such as http://127.0.0.1:8080
    #[arg(default_value = "http://127.0.0.1:8080", value_name = "URL")]
    url: String,
}

pub(crate) async fn run(args: Args) -> anyhow::Result<()> {
    let address = args
        .url
        .strip_prefix("http://")
        .context("the URL must begin with http://")?
        .trim_end_matches('/');
    let status = tokio::time::timeout(DEADLINE, ask(address))
        .await
        .context("no answer in time")??;
    if !status.contains(" 200 ") {
        bail!("{} is not ready: {}", args.url, status.trim());
    }
    Ok(())
}

/// Whether the server there answers that it is ready.
pub(crate) async fn is_ready(address: std::net::SocketAddr) -> bool {
    let status = tokio::time::timeout(DEADLINE, ask(&address.to_string())).await;
    status.is_ok_and(|status| status.is_ok_and(|status| status.contains(" 200 ")))
}

async fn ask(address: &str) -> anyhow::Result<String> {
    let mut stream = TcpStream::connect(address)
        .await
        .with_context(|| format!("connecting to {address}"))?;
    stream
        .write_all(format!("GET /readyz HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n").as_bytes())
        .await?;
    let mut answer = String::new();
    stream.take(1024).read_to_string(&mut answer).await?;
    Ok(answer.lines().next().unwrap_or_default().to_owned())
}
