use std::{
    convert::Infallible,
    future::{Ready, ready},
    net::{IpAddr, Ipv4Addr},
};

use actix_web::{
    FromRequest, HttpRequest,
    dev::Payload,
    http::header::{HeaderMap, X_FORWARDED_FOR},
    web::Data,
};
use settings::TrustedProxies;

use crate::site::Site;

/// The address a request comes from: that of the other end of the connection, or, where that is a load balancer of
/// ours, the one it forwards for. Nothing a client sends can choose it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct ClientAddress(pub(crate) IpAddr);

impl ClientAddress {
    fn of(peer: IpAddr, headers: &HeaderMap, trusted: &TrustedProxies) -> Self {
        let is_trusted = |address: &IpAddr| trusted.addresses().contains(address);
        let mut nearest = peer.to_canonical();
        // Each proxy appends whom it forwards for. What stands before the last entry of a trusted one is the word of
        // whoever that entry names.
        let mut forwarded = headers
            .get_all(X_FORWARDED_FOR)
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(','))
            .collect::<Vec<_>>();
        while is_trusted(&nearest) {
            let address = forwarded.pop().map(|entry| entry.trim().parse::<IpAddr>());
            match address {
                Some(Ok(address)) => nearest = address.to_canonical(),
                _ => break,
            }
        }
        Self(nearest)
    }
}

impl FromRequest for ClientAddress {
    type Error = Infallible;
    type Future = Ready<Result<Self, Infallible>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let peer = request.peer_addr().map(|peer| peer.ip());
        // Only a test without a connection has no other end.
        let peer = peer.unwrap_or(Ipv4Addr::UNSPECIFIED.into());
        let nobody = TrustedProxies::new(vec![]);
        let trusted = request
            .app_data::<Data<Site>>()
            .map_or(&nobody, |site| &site.trusted_proxies);
        ready(Ok(Self::of(peer, request.headers(), trusted)))
    }
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    fn client(peer: &str, forwarded: &[&str]) -> IpAddr {
        let trusted = ["127.0.0.1", "::1", "10.0.0.1"].map(address).to_vec();
        let mut request = TestRequest::get();
        for value in forwarded {
            request = request.append_header((X_FORWARDED_FOR, *value));
        }
        let request = request.to_http_request();
        ClientAddress::of(
            address(peer),
            request.headers(),
            &TrustedProxies::new(trusted),
        )
        .0
    }

    #[test]
    fn a_stranger_speaks_for_nobody_else() {
        assert_eq!(client("192.0.2.1", &[]), address("192.0.2.1"));
        assert_eq!(client("192.0.2.1", &["192.0.2.2"]), address("192.0.2.1"));
    }

    #[test]
    fn a_trusted_proxy_names_the_client_with_its_last_entry() {
        for forwarded in [
            &["192.0.2.1"][..],
            &["203.0.113.9, 192.0.2.1"],
            &["203.0.113.9", "192.0.2.1"],
            &["127.0.0.1, 192.0.2.1"],
            &["nonsense,192.0.2.1"],
        ] {
            assert_eq!(client("127.0.0.1", forwarded), address("192.0.2.1"));
            assert_eq!(client("::1", forwarded), address("192.0.2.1"));
            assert_eq!(client("::ffff:127.0.0.1", forwarded), address("192.0.2.1"));
        }
    }

    #[test]
    fn a_chain_of_trusted_proxies_is_followed_to_its_end() {
        let chain = ["203.0.113.9, 192.0.2.1, 10.0.0.1"];
        assert_eq!(client("127.0.0.1", &chain), address("192.0.2.1"));
        assert_eq!(client("127.0.0.1", &["10.0.0.1"]), address("10.0.0.1"));
    }

    #[test]
    fn what_is_no_address_ends_the_chain() {
        for forwarded in [&[][..], &[""], &["192.0.2.1, unknown"], &["192.0.2.1:80"]] {
            assert_eq!(client("127.0.0.1", forwarded), address("127.0.0.1"));
        }
    }
}
