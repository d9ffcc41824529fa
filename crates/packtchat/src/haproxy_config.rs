//! `packtchat haproxy-config`

use std::process::ExitCode;

use anyhow::ensure;
use askama::Template;
use clap::Parser;
use serde::{Deserialize, Deserializer};
use settings::{Secret, comma_separated};
use stack::haproxy::{self, Backend, Names, RoutesSettings, SocketSettings, Stats, Tls, Word};

/// Where the runtime API is, unless `PACKTCHAT__PROXY__ADMIN_SOCKET` says otherwise.
pub(crate) const ADMIN_SOCKET: &str = "/run/haproxy/admin.sock";

/// Prints the configuration of the HAProxy in front of a deployed chat
///
/// It is told what to write as services are told their settings: in the environment, or in the TOML file that
/// PACKTCHAT_CONFIG names. PACKTCHAT__PROXY__GATEWAYS and PACKTCHAT__PROXY__REALTIMES are required: servers as
/// NAME=HOST:PORT/PORT-OF-ITS-CHECKS, between commas. docs/deploy.md lists all.
#[derive(Parser)]
pub(crate) struct HaproxyConfig;

pub(crate) fn run() -> anyhow::Result<ExitCode> {
    println!("{}", config(settings::load()?)?.render()?);
    Ok(ExitCode::SUCCESS)
}

/// What an operator can set.
#[derive(Clone, Debug, Deserialize)]
struct Settings {
    /// The proxy itself.
    #[serde(default)]
    proxy: ProxySettings,
    /// What the gateways are told, too.
    #[serde(default)]
    http: HttpSettings,
    /// Where the gateways have what.
    #[serde(default)]
    routes: RoutesSettings,
    /// What the chat-realtime nodes are told, too.
    #[serde(default)]
    socket: SocketSettings,
}

/// The proxy in front of gateways and chat-realtime nodes. Text may hold no white space, quotes, `\`, `#`, `$` or `%`.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct ProxySettings {
    /// The gateways, `NAME=HOST:PORT/PORT-OF-ITS-CHECKS` between commas. Required (`PACKTCHAT__PROXY__GATEWAYS`).
    #[serde(deserialize_with = "backends")]
    gateways: Vec<Backend>,
    /// The chat-realtime nodes, in the same form. Required (`PACKTCHAT__PROXY__REALTIMES`).
    #[serde(deserialize_with = "backends")]
    realtimes: Vec<Backend>,
    /// Address and port for browsers; with a certificate, only to send them on. Default `:80`
    /// (`PACKTCHAT__PROXY__LISTEN`).
    listen: Word,
    /// Address and port for browsers over TLS. Default `:443` (`PACKTCHAT__PROXY__TLS_LISTEN`).
    tls_listen: Word,
    /// A PEM file with certificate chain and key, or a directory of such files. Default none, which is no TLS
    /// (`PACKTCHAT__PROXY__TLS_CERTIFICATE`).
    tls_certificate: Option<Word>,
    /// Host and port of who answers under `/.well-known/acme-challenge/`, such as certbot. Default none
    /// (`PACKTCHAT__PROXY__ACME_RESPONDER`).
    acme_responder: Option<Word>,
    /// Address and port of a name server. With one, each server above stands for as many nodes as its host's name has
    /// addresses, looked up every second. Default none (`PACKTCHAT__PROXY__RESOLVER`).
    resolver: Option<Word>,
    /// Most nodes of one name. Default 20 (`PACKTCHAT__PROXY__SLOTS`).
    slots: u16,
    /// What the cookies of clients are made from where nodes are found by names: the same for every proxy of a site.
    /// Default `packtchat` (`PACKTCHAT__PROXY__COOKIE_KEY`).
    cookie_key: Word,
    /// The socket of the runtime API, in a directory that is there. Default `/run/haproxy/admin.sock`
    /// (`PACKTCHAT__PROXY__ADMIN_SOCKET`).
    admin_socket: Word,
    /// Address and port of the page with the state of every server, and of the metrics for Prometheus at `/metrics`.
    /// Default none (`PACKTCHAT__PROXY__STATS_LISTEN`).
    stats_listen: Option<Word>,
    /// Who may look there. Default `operator` (`PACKTCHAT__PROXY__STATS_USER`).
    stats_user: Word,
    /// With which password: required where there is such a page (`PACKTCHAT__PROXY__STATS_PASSWORD`).
    stats_password: Option<Secret>,
    /// How many threads it has. Default 0, which is HAProxy's own choice: one for each processor of the machine
    /// (`PACKTCHAT__PROXY__THREADS`).
    threads: u16,
    /// Most connections at a time; each takes two file descriptors. Default 8,000
    /// (`PACKTCHAT__PROXY__MAX_CONNECTIONS`).
    max_connections: u32,
    /// Most connections of one address, or of 64 bits of IPv6, at a time; many people may share one. 0 sets no limit.
    /// Default 1,000 (`PACKTCHAT__PROXY__CONNECTIONS_PER_ADDRESS`).
    connections_per_address: u32,
    /// Most requests of one address within ten seconds; more are answered 429. 0 sets no limit. Default 2,000
    /// (`PACKTCHAT__PROXY__REQUESTS_PER_ADDRESS`).
    requests_per_address: u32,
    /// How long the sockets of an old process may stay after a reload, in seconds. Default 10
    /// (`PACKTCHAT__PROXY__DRAIN_SECS`).
    drain_secs: u32,
}

impl Default for ProxySettings {
    fn default() -> Self {
        Self {
            gateways: vec![],
            realtimes: vec![],
            listen: Word::literal(":80"),
            tls_listen: Word::literal(":443"),
            tls_certificate: None,
            acme_responder: None,
            resolver: None,
            slots: 20,
            cookie_key: Word::literal("packtchat"),
            admin_socket: Word::literal(ADMIN_SOCKET),
            stats_listen: None,
            stats_user: Word::literal("operator"),
            stats_password: None,
            threads: 0,
            max_connections: 8_000,
            connections_per_address: 1_000,
            requests_per_address: 2_000,
            drain_secs: 10,
        }
    }
}

/// Of the gateway's settings, what matters here; its own list tells what else there is.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct HttpSettings {
    /// Where browsers that came without TLS are sent. Default: the host they asked (`PACKTCHAT__HTTP__PUBLIC_URL`).
    public_url: Option<Word>,
}

fn config(settings: Settings) -> anyhow::Result<haproxy::HaproxyConfig> {
    let proxy = settings.proxy;
    for (variable, nodes) in [
        ("PACKTCHAT__PROXY__GATEWAYS", &proxy.gateways),
        ("PACKTCHAT__PROXY__REALTIMES", &proxy.realtimes),
    ] {
        ensure!(
            !nodes.is_empty(),
            "{variable} is missing: set it to the servers there are, NAME=HOST:PORT/PORT-OF-ITS-CHECKS between commas"
        );
    }
    ensure!(
        proxy.max_connections > 0 && proxy.drain_secs > 0 && proxy.slots > 0,
        "PACKTCHAT__PROXY__MAX_CONNECTIONS, PACKTCHAT__PROXY__DRAIN_SECS and PACKTCHAT__PROXY__SLOTS must be at least 1"
    );
    let stats = proxy.stats_listen.map(|listen| {
        let password = proxy.stats_password.filter(|password| {
            let text = password.expose();
            !text.is_empty() && !text.contains(|c: char| c == '\'' || c.is_control())
        });
        let password = password.ok_or_else(|| {
            anyhow::anyhow!(
                "PACKTCHAT__PROXY__STATS_LISTEN needs PACKTCHAT__PROXY__STATS_PASSWORD, or the file \
                 PACKTCHAT__PROXY__STATS_PASSWORD_FILE names: a line without ' in it"
            )
        })?;
        anyhow::Ok(Stats {
            listen,
            user: proxy.stats_user,
            password,
        })
    });
    Ok(haproxy::HaproxyConfig {
        listen: proxy.listen,
        tls: proxy.tls_certificate.map(|certificate| Tls {
            listen: proxy.tls_listen,
            certificate,
            public_url: settings.http.public_url,
        }),
        acme_responder: proxy.acme_responder,
        threads: proxy.threads,
        max_connections: proxy.max_connections,
        connections_per_address: proxy.connections_per_address,
        requests_per_address: proxy.requests_per_address,
        admin_socket: proxy.admin_socket,
        drain_secs: proxy.drain_secs,
        stats: stats.transpose()?,
        socket: settings.socket,
        names: proxy.resolver.map(|server| Names {
            server,
            slots: proxy.slots,
            cookie_key: proxy.cookie_key,
        }),
        routes: settings.routes,
        gateways: proxy.gateways,
        realtimes: proxy.realtimes,
    })
}

fn backends<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Backend>, D::Error> {
    comma_separated(
        deserializer,
        "of the form NAME=HOST:PORT/PORT-OF-ITS-CHECKS",
        |entry| entry.parse().ok(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const NODES: [(&str, &str); 2] = [
        ("PROXY__GATEWAYS", "gateway-1=10.0.0.1:8000/9000"),
        (
            "PROXY__REALTIMES",
            "realtime-1=10.0.0.1:8081/9001,realtime-2=10.0.0.2:8081/9001",
        ),
    ];

    fn rendered(variables: &[(&str, &str)]) -> anyhow::Result<String> {
        let variables = NODES
            .iter()
            .chain(variables)
            .map(|(key, value)| (format!("PACKTCHAT__{key}"), (*value).to_owned()));
        Ok(config(settings::load_from(variables, None)?)?.render()?)
    }

    fn refusal(variables: &[(&str, &str)]) -> String {
        rendered(variables).unwrap_err().to_string()
    }

    #[test]
    fn nodes_have_their_addresses_and_their_cookies() {
        let file = rendered(&[]).unwrap();
        assert!(file.contains("\n    bind :80\n"), "{file}");
        assert!(
            file.contains("\n    server gateway-1 10.0.0.1:8000 port 9000\n"),
            "{file}"
        );
        assert!(
            file.contains("\n    server realtime-2 10.0.0.2:8081 cookie realtime-2 port 9001\n"),
            "{file}"
        );
        assert!(
            !file.contains("ssl") && !file.contains("resolvers"),
            "{file}"
        );
    }

    #[test]
    fn silence_is_longer_than_the_nodes_wait_for_a_pong() {
        let file = rendered(&[
            ("SOCKET__PING_INTERVAL_MS", "59500"),
            ("SOCKET__PING_TIMEOUT_MS", "30000"),
            ("SOCKET__MAX_PAYLOAD", "1"),
        ]);
        let file = file.unwrap();
        assert!(file.contains("timeout tunnel 105s"), "{file}");
    }

    #[test]
    fn threads_are_as_many_as_is_said_and_else_haproxy_s_own_choice() {
        let file = rendered(&[("PROXY__THREADS", "2")]).unwrap();
        assert!(file.contains("\n    nbthread 2\n    maxconn"), "{file}");
        assert!(!rendered(&[]).unwrap().contains("nbthread"));
    }

    #[test]
    fn who_comes_without_tls_is_sent_to_the_public_url_with_a_slash_at_its_end_or_without() {
        for url in ["https://chat.example.org", "https://chat.example.org/"] {
            let settings = [
                ("PROXY__TLS_CERTIFICATE", "/tls"),
                ("HTTP__PUBLIC_URL", url),
            ];
            let file = rendered(&settings).unwrap();
            let redirect = "redirect prefix https://chat.example.org code 301\n";
            assert!(file.contains(redirect), "{url}: {file}");
        }
    }

    #[test]
    fn what_is_wrong_is_named() {
        let missing = refusal(&[("PROXY__GATEWAYS", "")]);
        assert!(
            missing.contains("PACKTCHAT__PROXY__GATEWAYS is missing"),
            "{missing}"
        );
        let password = refusal(&[("PROXY__STATS_LISTEN", ":8404")]);
        assert!(
            password.contains("PACKTCHAT__PROXY__STATS_PASSWORD"),
            "{password}"
        );
        for quoted in ["", "it's"] {
            let settings = [
                ("PROXY__STATS_LISTEN", ":8404"),
                ("PROXY__STATS_PASSWORD", quoted),
            ];
            assert!(refusal(&settings).contains("STATS_PASSWORD"), "{quoted}");
        }
        for wrong in [
            "gateway-1",
            "gateway-1=10.0.0.1:8000",
            "g=10.0.0.1/9000",
            "a b=h:1/2",
            "g=h:0/2",
        ] {
            let said = refusal(&[("PROXY__GATEWAYS", wrong)]);
            assert!(said.contains("NAME=HOST:PORT"), "{wrong}: {said}");
        }
        for (key, value) in [
            ("PROXY__LISTEN", ":80 ssl"),
            ("PROXY__TLS_CERTIFICATE", "a\nglobal"),
            ("PROXY__ADMIN_SOCKET", "$HOME/x"),
            ("PROXY__STATS_USER", "\"x"),
        ] {
            let said = refusal(&[(key, value)]);
            assert!(said.contains("cannot stand in"), "{key}: {said}");
        }
        assert!(refusal(&[("PROXY__LISTENS", ":80")]).contains("listens"));
    }
}
