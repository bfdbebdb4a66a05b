//! What anybody may know and what still names an organisation: AFFY's client ids, and the keys of pixels.

use std::net::IpAddr;

use ipnet::IpNet;
use secrecy::SecretString;

use super::error::{KeyError, org_id};
use crate::{
    db::{Connection, DbError},
    domain::OrgId,
};

/// An organisation by its client id (seed: AFFY).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Client {
    pub client_id: i64,
    pub org: OrgId,
    /// Without it every dialect answers 403.
    pub affiliates_feature: bool,
}

/// A pixel key that counts.
#[derive(Clone, Debug)]
pub struct PixelKey {
    pub key: String,
    pub org: OrgId,
    /// Signs links.
    pub secret: SecretString,
    /// Who asks from there needs no signature.
    pub address_ranges: Vec<IpNet>,
    pub affiliates_feature: bool,
}

impl PixelKey {
    /// Whether a request from `address` needs no signature. An IPv4 address counts as itself also where a socket for both
    /// families shows it as `::ffff:192.0.2.1`.
    pub fn trusts(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.address_ranges.iter().any(|range| range.contains(&address))
    }
}

/// Reads `192.0.2.0/24` or `2001:db8::/32`; a lone address is a network of one.
pub fn address_range(text: &str) -> Option<IpNet> {
    let network = text.parse();
    network
        .or_else(|_no_network| text.parse::<IpAddr>().map(IpNet::from))
        .ok()
}

/// All client ids.
///
/// # Errors
/// When the database does not answer.
pub(super) async fn clients(connection: &mut Connection) -> Result<Vec<Client>, DbError> {
    sqlx::query_as!(
        Client,
        r#"SELECT client_id AS "client_id!", org_id AS "org: OrgId", affiliates_feature
         FROM orgs WHERE client_id IS NOT NULL ORDER BY client_id"#
    )
    .fetch_all(connection)
    .await
    .map_err(|error| DbError::new("keys.clients", error))
}

/// All pixel keys that are not revoked.
///
/// # Errors
/// When the database does not answer.
pub(super) async fn pixels(connection: &mut Connection) -> Result<Vec<PixelKey>, DbError> {
    let rows = sqlx::query!(
        r#"SELECT p.org_id AS "org: OrgId", p.pixel_key, p.secret, p.address_ranges::text[] AS "address_ranges!",
                o.affiliates_feature
         FROM pixel_keys p JOIN orgs o USING (org_id)
         WHERE p.revoked_at IS NULL
         ORDER BY p.org_id, p.pixel_key"#
    )
    .fetch_all(connection)
    .await
    .map_err(|error| DbError::new("keys.pixels", error))?;
    let pixels = rows.into_iter().map(|row| PixelKey {
        key: row.pixel_key,
        org: row.org,
        secret: SecretString::from(row.secret),
        address_ranges: row
            .address_ranges
            .iter()
            .filter_map(|text| address_range(text))
            .collect(),
        affiliates_feature: row.affiliates_feature,
    });
    Ok(pixels.collect())
}

/// The secret with which an organisation signs the links of one of its pixels.
///
/// # Errors
/// When there is no such organisation or pixel key, or the database does not answer.
pub async fn pixel_secret(
    connection: &mut Connection,
    org: &str,
    pixel: &str,
) -> Result<SecretString, KeyError> {
    let id = org_id(connection, org).await?;
    let secret = sqlx::query_scalar!(
        "SELECT secret FROM pixel_keys WHERE org_id = $1 AND pixel_key = $2 AND revoked_at IS NULL",
        id,
        pixel
    )
    .fetch_optional(connection)
    .await
    .map_err(|error| DbError::new("keys.pixel_secret", error))?;
    let unknown = || KeyError::UnknownKey {
        org: org.to_owned(),
        key: pixel.to_owned(),
    };
    secret.map(SecretString::from).ok_or_else(unknown)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_holds_the_addresses_that_begin_like_it() {
        for (range, address, want) in [
            ("192.0.2.0/24", "192.0.2.255", true),
            ("192.0.2.0/24", "192.0.3.0", false),
            ("192.0.2.0/24", "::ffff:192.0.2.7", true),
            ("192.0.2.0/24", "2001:db8::1", false),
            ("192.0.2.1/32", "192.0.2.1", true),
            ("192.0.2.1", "192.0.2.1", true),
            ("192.0.2.1", "192.0.2.0", false),
            ("0.0.0.0/0", "203.0.113.9", true),
            ("0.0.0.0/0", "2001:db8::1", false),
            ("2001:db8::/32", "2001:db8:ffff::1", true),
            ("2001:db8::/32", "2001:db9::1", false),
            ("::/0", "2001:db8::1", true),
            ("::/0", "192.0.2.1", false),
            ("::1/128", "::1", true),
        ] {
            let pixel = PixelKey {
                key: String::new(),
                org: OrgId(1),
                secret: SecretString::default(),
                address_ranges: vec![address_range(range).unwrap()],
                affiliates_feature: true,
            };
            assert_eq!(
                pixel.trusts(address.parse().unwrap()),
                want,
                "{address} in {range}"
            );
        }
        for bad in [
            "",
            "/8",
            "192.0.2.0/33",
            "192.0.2.0/x",
            "192.0.2.0/-1",
            "::/129",
            "here",
        ] {
            assert_eq!(address_range(bad), None, "{bad}");
        }
    }
}
