//! `<service> healthcheck`: an image without shell and curl asks the service on its own host.

use std::io::{self, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::process::ExitCode;
use std::time::Duration;

use crate::settings::Settings;

/// Shorter than the shortest time-out that ECS allows a container health check, 2 s.
const LIMIT: Duration = Duration::from_millis(1500);

/// Asks `/healthz` where `settings` say the service listens; 0 for an answer of 200, else 1 with the
/// reason on standard error.
#[must_use]
pub fn run(settings: &Settings) -> ExitCode {
    let address = SocketAddr::new(own_address(settings.host), settings.port);
    let asked = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(anyhow::Error::from)
        .and_then(|runtime| runtime.block_on(ask(address)));
    match asked {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Where nobody can be told, the status tells.
            let _ = writeln!(io::stderr(), "unhealthy: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn ask(address: SocketAddr) -> anyhow::Result<()> {
    let client = reqwest::Client::builder()
        .no_proxy()
        .timeout(LIMIT)
        .build()?;
    let answer = client
        .get(format!("http://{address}/healthz"))
        .send()
        .await?;
    let status = answer.status();
    anyhow::ensure!(status == 200, "http://{address}/healthz answered {status}");
    Ok(())
}

/// A service that listens on all addresses listens on loopback.
fn own_address(host: IpAddr) -> IpAddr {
    match host {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    }
}
