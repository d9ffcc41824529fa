//! `packtchat haproxy`

use std::collections::HashMap;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use clap::{Parser, Subcommand};
use serde::Deserialize;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{UnixStream, lookup_host};
use tokio::time::timeout;

use crate::haproxy_config::ADMIN_SOCKET;

/// An answer, of HAProxy or of a name server, takes no longer than this.
const PATIENCE: Duration = Duration::from_secs(5);

/// What an operator has said of a server: maintenance or drain (HAProxy's management.txt, `show servers state`).
const BY_HAND: u32 = 0x01 | 0x08;

/// Shows the servers behind the HAProxy of this machine or container, and takes them out by hand
///
/// SERVER is a name that `show` prints, or the address of a server or its host's name, such as a container's. Orders hold
/// until HAProxy is reloaded or started anew. They are given at the socket that PACKTCHAT__PROXY__ADMIN_SOCKET names.
#[derive(Parser)]
pub(crate) struct Haproxy {
    #[command(subcommand)]
    order: Order,
}

#[derive(Subcommand)]
enum Order {
    /// Prints backends, servers, addresses, how HAProxy sees them, and how many connections they have
    Show,
    /// Sends these servers nobody new; whom they have, they keep
    Drain {
        #[arg(value_name = "SERVER", required = true)]
        servers: Vec<String>,
    },
    /// Sends these servers people again; all that were taken out, where none is named
    Ready {
        #[arg(value_name = "SERVER")]
        servers: Vec<String>,
    },
}

pub(crate) async fn run(arguments: Haproxy) -> anyhow::Result<ExitCode> {
    let api = RuntimeApi::of(settings::load()?);
    match arguments.order {
        Order::Show => api.show().await?,
        Order::Drain { servers } => {
            let known = api.servers().await?;
            for target in targets(&known, &servers).await? {
                api.set(target, "drain").await?;
            }
        }
        Order::Ready { servers } => {
            let known = api.servers().await?;
            let targets = match servers.is_empty() {
                true => known.iter().filter(|server| server.is_out).collect(),
                false => targets(&known, &servers).await?,
            };
            for target in targets {
                api.set(target, "ready").await?;
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Of the settings of `packtchat haproxy-config`, the one that matters here.
#[derive(Deserialize)]
struct Settings {
    #[serde(default)]
    proxy: ProxySettings,
}

#[derive(Deserialize)]
#[serde(default)]
struct ProxySettings {
    admin_socket: PathBuf,
}

impl Default for ProxySettings {
    fn default() -> Self {
        Self {
            admin_socket: ADMIN_SOCKET.into(),
        }
    }
}

/// A server of one backend. Each node is in several: of a pair such as `chat-realtime` and `chat-realtime-alive`, the
/// second serves where nobody in the first is ready.
#[derive(Debug, PartialEq)]
struct Server {
    backend: String,
    name: String,
    /// None where no node has the place that is kept for it.
    address: Option<(IpAddr, u16)>,
    /// Whether an operator has taken it out.
    is_out: bool,
}

/// The servers to give an order to, in all of their backends: those that are where these names are.
async fn targets<'a>(known: &'a [Server], names: &[String]) -> anyhow::Result<Vec<&'a Server>> {
    let mut targets = Vec::new();
    for name in names {
        targets.extend(servers_of(known, name, looked_up(known, name).await)?);
    }
    Ok(targets)
}

/// The addresses of a host, where HAProxy knows no server of this name.
async fn looked_up(known: &[Server], name: &str) -> Vec<IpAddr> {
    if known.iter().any(|server| server.name == name) {
        return vec![];
    }
    match timeout(PATIENCE, lookup_host((name, 0))).await {
        Ok(Ok(found)) => found.map(|address| address.ip()).collect(),
        _ => vec![],
    }
}

/// The servers that are where the one of this name is, or at this address of a host. The same name in two backends may
/// be two nodes, where HAProxy finds nodes by their host's name: it is the first one's.
fn servers_of<'a>(
    known: &'a [Server],
    name: &str,
    host: Vec<IpAddr>,
) -> anyhow::Result<Vec<&'a Server>> {
    let is_meant: Box<dyn Fn((IpAddr, u16)) -> bool> =
        match known.iter().find(|server| server.name == name) {
            Some(first) => {
                let place = first
                    .address
                    .with_context(|| format!("{name} is a free place, and no server now"))?;
                Box::new(move |address| address == place)
            }
            None => Box::new(move |(ip, _)| host.contains(&ip)),
        };
    let meant: Vec<_> = known
        .iter()
        .filter(|server| server.address.is_some_and(&*is_meant))
        .collect();
    let first = meant
        .first()
        .with_context(|| format!("HAProxy knows no server {name}: `show` lists those there are"))?;
    ensure!(
        meant.iter().all(|server| server.address == first.address),
        "{name} stands for several servers: name one of them"
    );
    Ok(meant)
}

/// HAProxy's runtime API.
struct RuntimeApi {
    socket: PathBuf,
}

impl RuntimeApi {
    fn of(settings: Settings) -> RuntimeApi {
        RuntimeApi {
            socket: settings.proxy.admin_socket,
        }
    }

    async fn ask(&self, command: &str) -> anyhow::Result<String> {
        timeout(PATIENCE, conversation(&self.socket, command))
            .await
            .map_err(|_| anyhow::anyhow!("no answer within {PATIENCE:?}"))
            .flatten()
            .with_context(|| format!("HAProxy does not answer at {}", self.socket.display()))
    }

    async fn show(&self) -> anyhow::Result<()> {
        // Of all backends the servers alone.
        let answer = self.ask("show stat -1 4 -1").await?;
        for row in table(&answer, ',')? {
            // A place that no node has.
            if row["status"] != "MAINT (resolution)" {
                println!(
                    "{:20} {:20} {:22} {:10} {:>6} connections",
                    row["pxname"], row["svname"], row["addr"], row["status"], row["scur"]
                );
            }
        }
        Ok(())
    }

    async fn servers(&self) -> anyhow::Result<Vec<Server>> {
        servers(&self.ask("show servers state").await?)
    }

    async fn set(&self, server: &Server, state: &str) -> anyhow::Result<()> {
        let name = format!("{}/{}", server.backend, server.name);
        let answer = self
            .ask(&format!("set server {name} state {state}"))
            .await?;
        if !answer.trim().is_empty() {
            bail!("{name}: {}", answer.trim());
        }
        match server.address {
            Some((ip, port)) => println!("{name} at {ip}, port {port}: now {state}"),
            None => println!("{name}, a free place: now {state}"),
        }
        Ok(())
    }
}

async fn conversation(socket: &Path, command: &str) -> anyhow::Result<String> {
    let mut stream = UnixStream::connect(socket).await?;
    stream.write_all(format!("{command}\n").as_bytes()).await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    Ok(answer)
}

fn servers(answer: &str) -> anyhow::Result<Vec<Server>> {
    table(answer, ' ')?
        .into_iter()
        .map(|row| {
            let state: u32 = row["srv_admin_state"].parse()?;
            let address = match (row["srv_addr"].parse(), row["srv_port"].parse()) {
                (Ok(ip), Ok(port)) => Some((ip, port)),
                _ => None,
            };
            Ok(Server {
                backend: row["be_name"].clone(),
                name: row["srv_name"].clone(),
                address,
                is_out: state & BY_HAND > 0,
            })
        })
        .collect()
}

/// The rows below the line that names the columns.
fn table(answer: &str, separator: char) -> anyhow::Result<Vec<HashMap<&str, String>>> {
    let mut lines = answer.lines();
    let columns: Vec<_> = lines
        .find_map(|line| line.strip_prefix("# "))
        .with_context(|| format!("HAProxy says: {}", answer.trim()))?
        .split(separator)
        .collect();
    let rows = lines.filter(|line| !line.is_empty());
    rows.map(|line| {
        let values = fields(line, separator);
        ensure!(
            values.len() == columns.len(),
            "HAProxy says something else than it announces: {line}"
        );
        Ok(columns.iter().copied().zip(values).collect())
    })
    .collect()
}

/// The fields of a line, of which those with separators in them are between quotes.
fn fields(line: &str, separator: char) -> Vec<String> {
    let mut fields = vec![String::new()];
    let mut quoted = false;
    for character in line.chars() {
        match fields.last_mut() {
            _ if character == '"' => quoted = !quoted,
            Some(_) if character == separator && !quoted => fields.push(String::new()),
            Some(field) => field.push(character),
            None => {}
        }
    }
    fields
}

#[cfg(test)]
mod tests {
    use super::*;

    fn server(backend: &str, name: &str, last_number: u8, port: u16) -> Server {
        Server {
            backend: backend.into(),
            name: name.into(),
            address: Some(([10, 0, 0, last_number].into(), port)),
            is_out: false,
        }
    }

    /// Two chat-realtimes that HAProxy found in another order for the second backend, and a free place.
    fn found_by_name() -> Vec<Server> {
        vec![
            server("chat-realtime", "realtime-1", 1, 8081),
            server("chat-realtime", "realtime-2", 2, 8081),
            Server {
                address: None,
                ..server("chat-realtime", "realtime-3", 0, 8081)
            },
            server("chat-realtime-alive", "realtime-1", 2, 8081),
            server("chat-realtime-alive", "realtime-2", 1, 8081),
        ]
    }

    fn refusal(known: &[Server], name: &str, host: Vec<IpAddr>) -> String {
        servers_of(known, name, host).unwrap_err().to_string()
    }

    #[test]
    fn a_node_is_meant_in_all_backends_whatever_it_is_called_there() {
        let known = found_by_name();
        let second = [&known[1], &known[3]];
        let host = vec![[10, 0, 0, 2].into()];
        assert_eq!(servers_of(&known, "realtime-2", vec![]).unwrap(), second);
        assert_eq!(servers_of(&known, "a-container", host).unwrap(), second);
    }

    #[test]
    fn nodes_of_one_host_are_told_apart_by_their_ports() {
        let known = [
            server("chat-realtime", "realtime-1", 1, 8081),
            server("chat-realtime", "realtime-2", 1, 8082),
        ];
        let meant = servers_of(&known, "realtime-2", vec![]).unwrap();
        assert_eq!(meant, [&known[1]]);
        let host = vec![[10, 0, 0, 1].into()];
        let said = refusal(&known, "a-host", host);
        assert!(said.contains("several servers"), "{said}");
    }

    #[test]
    fn what_is_no_server_is_refused() {
        let known = found_by_name();
        let said = refusal(&known, "realtime-3", vec![]);
        assert!(said.contains("a free place"), "{said}");
        for host in [vec![], vec![[10, 0, 0, 9].into()]] {
            let said = refusal(&known, "somebody", host);
            assert!(said.contains("knows no server somebody"), "{said}");
        }
        let all = vec![[10, 0, 0, 1].into(), [10, 0, 0, 2].into()];
        let said = refusal(&known, "chat-realtime", all);
        assert!(said.contains("several servers"), "{said}");
    }

    #[test]
    fn separators_between_quotes_are_text() {
        let answer = "# name,check,\nrealtime-1,\"down, or \"\"away\"\"\",\n\n";
        let rows = table(answer, ',').unwrap();
        assert_eq!(rows[0]["check"], "down, or away");
        assert_eq!(rows.len(), 1);
        let said = table("Permission denied\n\n", ',').unwrap_err().to_string();
        assert!(said.contains("Permission denied"), "{said}");
    }
}
