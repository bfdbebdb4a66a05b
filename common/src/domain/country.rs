//! Countries by ISO 3166-1.

use rust_iso3166::{ALL, CountryCode, from_alpha2, from_alpha3};

/// The two letters of a country that was sent as two or three, in any case. `None`: there is none.
pub fn country_code(sent: &str) -> Option<&'static str> {
    Some(country(sent)?.alpha2)
}

/// Its name without what ISO adds in brackets ("Netherlands (Kingdom of the)"), unless two would have one name then.
pub fn country_name(code: &str) -> Option<&'static str> {
    let name = country(code)?.name;
    let short = shortened(name);
    let namesakes = ALL.iter().filter(|other| shortened(other.name) == short);
    Some(if namesakes.count() == 1 { short } else { name })
}

fn country(code: &str) -> Option<CountryCode> {
    let code = code.trim().to_ascii_uppercase();
    from_alpha2(&code).or_else(|| from_alpha3(&code))
}

fn shortened(name: &'static str) -> &'static str {
    match name.split_once(" (") {
        Some((short, rest)) if rest.ends_with(')') => short,
        _ => name,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn countries_have_the_names_that_people_use() {
        for (code, want) in [
            ("NL", Some("Netherlands")),
            ("nl", Some("Netherlands")),
            ("NLD", Some("Netherlands")),
            ("IR", Some("Iran")),
            ("KR", Some("Korea (Republic of)")),
            ("VG", Some("Virgin Islands (British)")),
            ("CC", Some("Cocos (Keeling) Islands")),
            ("XX", None),
            ("", None),
        ] {
            assert_eq!(country_name(code), want, "{code}");
        }
        assert_eq!(country_code("nld"), Some("NL"));
    }

    #[test]
    fn no_two_countries_have_one_name() {
        let names: std::collections::BTreeSet<_> = ALL
            .iter()
            .filter_map(|country| country_name(country.alpha2))
            .collect();
        assert_eq!(names.len(), ALL.len());
    }
}
