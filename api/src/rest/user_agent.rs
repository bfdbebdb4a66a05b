//! What a user agent says of itself, in the words of the seed's click.

use woothee::{parser::Parser, woothee::VALUE_UNKNOWN};

/// Each is `None` where the text does not tell.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Agent {
    pub(crate) os: Option<String>,
    pub(crate) os_version: Option<String>,
    pub(crate) browser: Option<String>,
    /// The major one.
    pub(crate) browser_version: Option<String>,
    pub(crate) platform: Option<&'static str>,
}

pub(crate) fn agent(text: &str) -> Agent {
    let Some(found) = Parser::new().parse(text) else {
        return Agent::default();
    };
    let (os, os_version) = os(found.os, &found.os_version);
    Agent {
        os: known(os),
        os_version: known(os_version),
        browser: known(found.name),
        browser_version: known(found.version.split('.').next().unwrap_or_default()),
        platform: platform(found.category, found.os),
    }
}

/// The parser puts a Windows' version into its name, and calls the systems of Apple by their devices.
fn os<'a>(name: &'a str, version: &'a str) -> (&'a str, &'a str) {
    match name {
        "Mac OSX" => ("Mac OS X", version),
        "iPhone" | "iPad" | "iPod" => ("iOS", version),
        _ => match name.split_once(' ') {
            Some(("Windows", edition)) if edition != "Phone OS" => ("Windows", edition),
            _ => (name, version),
        },
    }
}

fn platform(category: &str, os: &str) -> Option<&'static str> {
    match (category, os) {
        (_, "iPad") => Some("Tablet"),
        ("pc", _) => Some("Desktop"),
        ("smartphone", _) => Some("Smartphone"),
        ("mobilephone", _) => Some("Feature phone"),
        ("appliance", _) => Some("Console"),
        ("crawler", _) => Some("Crawler"),
        _ => None,
    }
}

fn known(text: &str) -> Option<String> {
    (!text.is_empty() && text != VALUE_UNKNOWN && text != "Windows UNKNOWN Ver").then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> [Option<String>; 5] {
        let agent = agent(text);
        [
            agent.os,
            agent.os_version,
            agent.browser,
            agent.browser_version,
            agent.platform.map(str::to_owned),
        ]
    }

    #[test]
    fn common_browsers_are_told_apart() {
        for (text, want) in [
            (
                "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_1) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/81.0.4044.92 Safari/537.36",
                ["Mac OS X", "10.15.1", "Chrome", "81", "Desktop"],
            ),
            (
                "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:128.0) Gecko/20100101 Firefox/128.0",
                ["Windows", "10", "Firefox", "128", "Desktop"],
            ),
            (
                "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1",
                ["iOS", "17.5", "Safari", "17", "Smartphone"],
            ),
            (
                "Mozilla/5.0 (iPad; CPU OS 16_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/16.6 Mobile/15E148 Safari/604.1",
                ["iOS", "16.6", "Safari", "16", "Tablet"],
            ),
            (
                "Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/125.0.0.0 Mobile Safari/537.36",
                ["Android", "14", "Chrome", "125", "Smartphone"],
            ),
        ] {
            assert_eq!(found(text), want.map(|word| Some(word.to_owned())), "{text}");
        }
    }

    #[test]
    fn what_is_not_told_is_absent() {
        let bare = found("Mozilla/5.0 (Macintosh; Intel Mac OS X x.y; rv:42.0) Gecko/20100101 Firefox/42.0");
        assert_eq!((bare[1].as_deref(), bare[3].as_deref()), (None, Some("42")));
        for text in ["", "-", "Mozilla/5.0", "\u{0}", "ü".repeat(2_000).as_str()] {
            assert_eq!(agent(text).browser, None, "{text}");
        }
    }
}
