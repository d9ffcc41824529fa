use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use serde::{Deserialize, Deserializer};

use crate::comma_separated::comma_separated;

/// The addresses of the load balancers in front of a service, which are believed when they tell for whom they ask;
/// comma-separated in a variable. Default `127.0.0.1` and `::1`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct TrustedProxies(Vec<IpAddr>);

impl TrustedProxies {
    /// These addresses.
    #[must_use]
    pub fn new(addresses: Vec<IpAddr>) -> Self {
        Self(addresses)
    }

    /// All of them.
    #[must_use]
    pub fn addresses(&self) -> &[IpAddr] {
        &self.0
    }
}

impl Default for TrustedProxies {
    fn default() -> Self {
        Self(vec![Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()])
    }
}

impl<'de> Deserialize<'de> for TrustedProxies {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let address = |entry: &str| Some(entry.parse::<IpAddr>().ok()?.to_canonical());
        comma_separated(deserializer, "an IP address", address).map(Self)
    }
}

#[cfg(test)]
mod tests {
    use serde::de::{IntoDeserializer, value};

    use super::*;

    fn read(text: &str) -> Result<TrustedProxies, value::Error> {
        TrustedProxies::deserialize(text.into_deserializer())
    }

    #[test]
    fn are_addresses_between_commas() {
        let two = read("10.0.0.1, ::1,").unwrap();
        assert_eq!(
            two.addresses(),
            [IpAddr::from([10, 0, 0, 1]), Ipv6Addr::LOCALHOST.into()]
        );
        assert_eq!(
            read("::ffff:127.0.0.1").unwrap(),
            read("127.0.0.1").unwrap()
        );
        assert!(read("").unwrap().addresses().is_empty());
        let wrong = read("10.0.0.1,haproxy").unwrap_err().to_string();
        assert!(wrong.contains("'haproxy' is not an IP address"), "{wrong}");
    }
}
